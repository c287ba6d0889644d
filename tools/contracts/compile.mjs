// Writes contracts/abi/EnergyMarket.json from contracts/src, or with --check compares the two.
//
//   node tools/contracts/compile.mjs            compile and write the artefact
//   node tools/contracts/compile.mjs --check    exit 1 unless the committed artefact is the same
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compile, differences, hashSources, readSources, root, settings } from "./compiler.mjs";

const artefactPath = join(root, "contracts", "abi", "EnergyMarket.json");

/** Where the addresses of libraries stand: {library: [byte offsets]}. */
function links(code) {
  return Object.fromEntries(
    Object.values(code.linkReferences)
      .flatMap((names) => Object.entries(names))
      .map(([name, places]) => [name, places.map(({ start }) => start)]),
  );
}

/** The code with zeros where solc leaves a placeholder for a library's address. */
function unlinked(code) {
  return `0x${code.object.replace(/__\$[0-9a-f]{34}\$__/g, "0".repeat(40))}`;
}

function buildArtefact() {
  const sources = readSources();
  const { version, contracts } = compile(sources);
  const { abi, evm } = contracts["src/EnergyMarket.sol"].EnergyMarket;
  const libraries = Object.keys(links(evm.bytecode)).map((name) => {
    const library = contracts[`src/${name}.sol`][name].evm;
    // A library that writes knows its own address: the last 20 of 32 bytes at these places.
    const own = Object.values(library.deployedBytecode.immutableReferences ?? {}).flat();
    return [
      name,
      {
        bytecode: unlinked(library.bytecode),
        deployedBytecode: unlinked(library.deployedBytecode),
        deployedLinks: { [name]: own.map(({ start }) => start + 12) },
      },
    ];
  });
  return {
    contractName: "EnergyMarket",
    sourceSha256: hashSources(sources),
    compiler: { name: "solc", version, settings },
    abi,
    bytecode: unlinked(evm.bytecode),
    links: links(evm.bytecode),
    deployedBytecode: unlinked(evm.deployedBytecode),
    deployedLinks: links(evm.deployedBytecode),
    libraries: Object.fromEntries(libraries),
  };
}

function fail(how) {
  console.error(
    `contracts/abi/EnergyMarket.json ${how}; ` +
      "run node tools/contracts/compile.mjs and commit the result",
  );
  process.exit(1);
}

if (process.argv.includes("--check")) {
  const committed = JSON.parse(readFileSync(artefactPath, "utf8"));
  if (committed.sourceSha256 !== hashSources(readSources())) {
    fail("is of other sources than contracts/src");
  }
  const members = differences(committed, buildArtefact());
  if (members.length > 0) {
    fail(`differs from contracts/src in ${members.join(", ")}`);
  }
  console.log("contracts/abi/EnergyMarket.json is that of contracts/src");
} else {
  const artefact = buildArtefact();
  writeFileSync(artefactPath, `${JSON.stringify(artefact, null, 2)}\n`);
  const size = (artefact.deployedBytecode.length - 2) / 2;
  console.log(`wrote ${artefactPath}: ${size} bytes of code, ${artefact.compiler.version}`);
}
