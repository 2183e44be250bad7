// Two files for the page in src/feint/report/vendor/: player.js, three.js's licence beside it, and
// browse.js.
import { build } from "esbuild";
import { mkdir, readFile, writeFile } from "node:fs/promises";

const vendor = new URL("../src/feint/report/vendor/", import.meta.url);
const three = new URL("./node_modules/three/", import.meta.url);

const licence = await readFile(new URL("LICENSE", three), "utf8");
const { version } = JSON.parse(await readFile(new URL("package.json", three), "utf8"));

async function bundled(entry, notice, name) {
  const { outputFiles } = await build({
    entryPoints: [new URL(entry, import.meta.url).pathname],
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2020",
    charset: "ascii",
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
// MIT asks that the notice goes with every copy, and every report is one.
const notice = `/*! feint's player (Apache-2.0) with three.js ${version}:\n\n${licence.trim()}\n*/\n`;
await bundled("./src/main.js", notice, "player.js");
await bundled("./src/browse.js", "/*! feint (Apache-2.0) */\n", "browse.js");
await writeFile(new URL("LICENSE-three.txt", vendor), licence);
