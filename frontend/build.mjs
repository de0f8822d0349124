// Builds the front-end libraries that the pages load, into web/static/vendor, with a manifest of what is in them.
// `make vendor` runs it; it needs Node 20 and fetches the exact versions of package.json. A version whose contents are
// not those the manifest knew before is refused.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const vendor = join(here, "../src/keepshowingup/web/static/vendor");
const manifestPath = join(vendor, "MANIFEST.json");
const json = (path) => JSON.parse(readFileSync(path, "utf8"));

const pinned = json(join(here, "package.json")).dependencies;
const installed = json(join(here, "node_modules/.package-lock.json")).packages;
const before = existsSync(manifestPath) ? json(manifestPath).packages : [];

function packageOf(path) {
  const parts = path.split("node_modules/").at(-1).split("/");
  return parts.slice(0, parts[0].startsWith("@") ? 2 : 1).join("/");
}

function licenceOf(name) {
  const folder = join(here, "node_modules", name);
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  if (!file) throw new Error(`${name} brings no licence text along.`);
  return readFileSync(join(folder, file), "utf8").replaceAll("\r\n", "\n").trim();
}

function described(name) {
  const { version, integrity, license } = installed[`node_modules/${name}`];
  if (pinned[name] !== version) throw new Error(`${name} ${version} is installed, package.json wants ${pinned[name]}.`);
  const known = before.find((each) => each.name === name && each.version === version);
  if (known && known.integrity !== integrity) throw new Error(`${name} ${version} is not what it was. Do not use it.`);
  return { name, version, licence: license, integrity };
}

mkdirSync(vendor, { recursive: true });
const files = {};
const used = new Set();
for (const entry of ["codemirror.js", "sortable.js"]) {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(here, entry)],
    absWorkingDir: here,
    bundle: true,
    format: "esm",
    minify: true,
    target: "es2022",
    legalComments: "none",
    metafile: true,
    write: false,
    outfile: join(vendor, entry),
  });
  const inputs = Object.values(metafile.outputs)[0].inputs;
  const from = Object.keys(inputs).filter((path) => path.includes("node_modules/") && inputs[path].bytesInOutput > 0);
  const names = [...new Set(from.map(packageOf))].sort();
  names.forEach((name) => used.add(name));
  const text = outputFiles[0].contents;
  files[entry] = { sha256: createHash("sha256").update(text).digest("hex"), bytes: text.length, packages: names };
  writeFileSync(join(vendor, entry), text);
}

const packages = [...used].sort().map(described);
const texts = new Map();
for (const each of packages) texts.set(licenceOf(each.name), [...(texts.get(licenceOf(each.name)) ?? []), each]);
const licences = [...texts].map(([text, all]) => `${all.map((each) => `${each.name} ${each.version}`).join(", ")}\n\n${text}\n`);
writeFileSync(join(vendor, "LICENCES.txt"), licences.join(`\n${"-".repeat(80)}\n\n`));
writeFileSync(manifestPath, JSON.stringify({ made_by: "make vendor", files, packages }, null, 2) + "\n");
for (const [name, { bytes }] of Object.entries(files)) console.log(`${name}: ${Math.round(bytes / 1024)} KB`);
