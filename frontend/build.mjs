// The pages' scripts, as they are committed: the report's (player.js, charts.js,
// browse.js) into src/feint/report/vendor/, the study's (judge, researcher) into
// src/feint/survey/server/vendor/, each with the licences of what is in it.
import { build } from "esbuild";
import { mkdir, readFile, writeFile } from "node:fs/promises";

const report = new URL("../src/feint/report/vendor/", import.meta.url);
const survey = new URL("../src/feint/survey/server/vendor/", import.meta.url);
const here = (path) => new URL(path, import.meta.url);
const read = (path) => readFile(here(path), "utf8");
const version = async (name) => JSON.parse(await read(`./node_modules/${name}/package.json`)).version;

/** Where a package's licence stands: jsPsych's package has none in it, seedrandom's is in its readme. */
const LICENCES = {
  three: () => read("./node_modules/three/LICENSE"),
  uplot: () => read("./node_modules/uplot/LICENSE"),
  jspsych: () => read("./licences/jspsych.txt"),
  "auto-bind": () => read("./node_modules/auto-bind/license"),
  "random-words": () => read("./node_modules/random-words/LICENSE"),
  seedrandom: async () => (await read("./node_modules/seedrandom/README.md")).split("LICENSE (MIT)\n-------------")[1],
};

async function bundled(entry, loader = {}) {
  const { outputFiles, metafile } = await build({
    entryPoints: [here(entry).pathname],
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2020",
    charset: "ascii",
    loader,
    legalComments: "none",
    metafile: true,
    write: false,
  });
  const inputs = Object.keys(metafile.inputs).join("\n").matchAll(/node_modules\/([^/]+)\//g);
  const packages = [...new Set([...inputs].map(([, name]) => name))].sort();
  const missing = packages.filter((name) => !(name in LICENCES));
  if (missing.length) throw new Error(`${entry}: no licence is known of ${missing}.`);
  return { text: outputFiles[0].text, packages };
}

async function script(entry, notice, bad, path) {
  const { text, packages } = await bundled(entry, { ".css": "text" });
  const code = notice.replace("©", "(c)") + text;
  const found = code.match(bad);
  if (found) throw new Error(`${path} holds ${found[0]}.`);
  await written(path, code);
  return packages;
}

/** A package's licence, written beside the report's scripts, and the notice of one that holds it. */
async function licensed(name, what, called) {
  const licence = await LICENCES[name]();
  await writeFile(new URL(`LICENSE-${name}.txt`, report), licence);
  // MIT asks that the notice goes with every copy, and every report is one.
  return `/*! ${what} (Apache-2.0) with ${called} ${await version(name)}:\n\n${licence.trim()}\n*/\n`;
}

async function written(path, text) {
  await writeFile(path, text);
  console.log(`${path.pathname.split("/").pop()}: ${(text.length / 1000).toFixed(0)} kB`);
}

await mkdir(report, { recursive: true });
await mkdir(survey, { recursive: true });

// Those of the report stand inside a script element of a page that must not fetch anything.
const alone = /<\/script|<!--|\beval\(|new Function|\bfetch\(|XMLHttpRequest|WebSocket/i;
await script("./src/player.js", await licensed("three", "feint's player", "three.js"), alone, new URL("player.js", report));
await script("./src/charts.js", await licensed("uplot", "feint's charts", "uPlot"), alone, new URL("charts.js", report));
await script("./src/browse.js", "/*! feint (Apache-2.0) */\n", alone, new URL("browse.js", report));

// Those of the study are files of their own, under a policy that forbids eval.
const evaluating = /\beval\(|new Function\b/;
const beside = "/*! feint (Apache-2.0); what else is in it, and its licences: LICENSES.txt */\n";
const packages = await script("./src/survey/judge.js", beside, evaluating, new URL("judge.js", survey));
await script("./src/survey/researcher.js", beside, evaluating, new URL("researcher.js", survey));
for (const name of ["judge.css", "researcher.css"]) {
  await written(new URL(name, survey), (await bundled(`./src/survey/${name}`)).text);
}
const told = await Promise.all(
  packages.map(async (name) => `${name} ${await version(name)}\n\n${(await LICENCES[name]()).trim()}\n`),
);
await writeFile(new URL("LICENSES.txt", survey), `In judge.js:\n\n${told.join("\n----\n\n")}`);
