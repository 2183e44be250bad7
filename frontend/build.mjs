// Three files for the page in src/feint/report/vendor/: player.js, charts.js and browse.js, and beside
// them the licences of three.js and uPlot.
import { build } from "esbuild";
import { mkdir, readFile, writeFile } from "node:fs/promises";

const vendor = new URL("../src/feint/report/vendor/", import.meta.url);

/** A package's licence, written beside the scripts, and the notice of a script that holds it. */
async function licensed(name, what, called) {
  const there = new URL(`./node_modules/${name}/`, import.meta.url);
  const licence = await readFile(new URL("LICENSE", there), "utf8");
  const { version } = JSON.parse(await readFile(new URL("package.json", there), "utf8"));
  await writeFile(new URL(`LICENSE-${name}.txt`, vendor), licence);
  // MIT asks that the notice goes with every copy, and every report is one.
  return `/*! ${what} (Apache-2.0) with ${called} ${version}:\n\n${licence.trim()}\n*/\n`;
}

async function bundled(entry, notice, name) {
  const { outputFiles } = await build({
    entryPoints: [new URL(entry, import.meta.url).pathname],
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2020",
    charset: "ascii",
    loader: { ".css": "text" },
    legalComments: "none",
    write: false,
  });
  const code = notice.replace("©", "(c)") + outputFiles[0].text;
  // It stands inside a script element of a page that must not fetch anything.
  const bad = code.match(/<\/script|<!--|\beval\(|new Function|\bfetch\(|XMLHttpRequest|WebSocket/i);
  if (bad) throw new Error(`${name} holds ${bad[0]}.`);
  await writeFile(new URL(name, vendor), code);
  console.log(`${name}: ${(code.length / 1000).toFixed(0)} kB`);
}

await mkdir(vendor, { recursive: true });
await bundled("./src/main.js", await licensed("three", "feint's player", "three.js"), "player.js");
await bundled("./src/charts.js", await licensed("uplot", "feint's charts", "uPlot"), "charts.js");
await bundled("./src/browse.js", "/*! feint (Apache-2.0) */\n", "browse.js");
