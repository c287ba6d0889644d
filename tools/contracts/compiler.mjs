// Compiles the contract with solc from npm: sources and settings in, solc's standard JSON out.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** Compiler settings that decide the bytecode. Ganache knows no EVM newer than shanghai. */
export const settings = {
  evmVersion: "shanghai",
  optimizer: { enabled: true, runs: 200 },
  // The older pipeline makes the market larger than contracts may be.
  viaIR: true,
  // Without the metadata hash, neither comments nor paths change the bytecode.
  metadata: { bytecodeHash: "none", appendCBOR: false },
};

const require = createRequire(join(root, "package.json"));

/** The solc module from node_modules; its output functions are those of npm `solc`. */
export function loadSolc() {
  return require("solc");
}

/** Resolves `import "@openzeppelin/..."` against node_modules. */
export function importFromPackages(path) {
  try {
    return { contents: readFileSync(join(root, "node_modules", path), "utf8") };
  } catch {
    return { error: `${path} is not in node_modules: run npm ci` };
  }
}

/** All .sol files under contracts/src, keyed by their path below contracts/, in sorted order. */
export function readSources() {
  const base = join(root, "contracts");
  const files = readdirSync(join(base, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".sol"))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
  return Object.fromEntries(
    files.map((file) => [relative(base, file), { content: readFileSync(file, "utf8") }]),
  );
}

/** One SHA-256 over the names and contents of the project's own sources. */
export function hashSources(sources) {
  const hash = createHash("sha256");
  for (const [name, { content }] of Object.entries(sources)) hash.update(`${name}\0${content}\0`);
  return hash.digest("hex");
}

/** Compiles `sources`; throws with solc's own messages when anything of ours, warnings too, is wrong. */
export function compile(sources) {
  const solc = loadSolc();
  const input = {
    language: "Solidity",
    sources,
    settings: {
      ...settings,
      outputSelection: {
        "*": {
          "*": [
            "abi",
            "evm.bytecode.object",
            "evm.bytecode.linkReferences",
            "evm.deployedBytecode.object",
            "evm.deployedBytecode.linkReferences",
            "evm.deployedBytecode.immutableReferences",
          ],
        },
      },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: importFromPackages }));
  // Warnings about a library at its pinned version are its authors' to act on.
  const isOurs = (entry) => !entry.sourceLocation?.file.startsWith("@");
  const problems = (output.errors ?? []).filter(
    (entry) => entry.severity === "error" || (entry.severity === "warning" && isOurs(entry)),
  );
  if (problems.length > 0) throw new Error(problems.map((p) => p.formattedMessage).join("\n"));
  return { version: solc.version(), contracts: output.contracts };
}

/** The members in which a committed artefact is not the one that was built. */
export function differences(committed, built) {
  return Object.keys(built).filter(
    (key) => JSON.stringify(committed[key]) !== JSON.stringify(built[key]),
  );
}
