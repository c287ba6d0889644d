#!/usr/bin/env node
// Answers forge as a solc binary would, with the solc of npm: no download, no second compiler.
import { readFileSync } from "node:fs";
import { importFromPackages, loadSolc } from "./compiler.mjs";

const solc = loadSolc();
const options = process.argv.slice(2);

if (options.includes("--version")) {
  console.log("solc, the solidity compiler commandline interface");
  console.log(`Version: ${solc.version()}`);
} else if (options.includes("--standard-json")) {
  const input = readFileSync(0, "utf8");
  process.stdout.write(solc.compile(input, { import: importFromPackages }));
} else {
  console.error(`this compiler knows --version and --standard-json, not ${options.join(" ")}`);
  process.exit(1);
}
