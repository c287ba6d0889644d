// Writes contracts/abi/EnergyMarket.json from contracts/src, or with --check compares the two.
//
//   node tools/contracts/compile.mjs            compile and write the artefact
//   node tools/contracts/compile.mjs --check    exit 1 unless the committed artefact is the same
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compile, hashSources, readSources, root, settings } from "./compiler.mjs";

const artefactPath = join(root, "contracts", "abi", "EnergyMarket.json");

function buildArtefact() {
  const sources = readSources();
  const { version, contracts } = compile(sources);
  const contract = contracts["src/EnergyMarket.sol"].EnergyMarket;
  return {
    contractName: "EnergyMarket",
    sourceSha256: hashSources(sources),
    compiler: { name: "solc", version, settings },
    abi: contract.abi,
    bytecode: `0x${contract.evm.bytecode.object}`,
    deployedBytecode: `0x${contract.evm.deployedBytecode.object}`,
  };
}

function differences(committed, built) {
  return Object.keys(built).filter(
    (key) => JSON.stringify(committed[key]) !== JSON.stringify(built[key]),
  );
}

const artefact = buildArtefact();
if (process.argv.includes("--check")) {
  const members = differences(JSON.parse(readFileSync(artefactPath, "utf8")), artefact);
  if (members.length > 0) {
    console.error(
      `contracts/abi/EnergyMarket.json differs from contracts/src in ${members.join(", ")}; ` +
        "run node tools/contracts/compile.mjs and commit the result",
    );
    process.exit(1);
  }
  console.log("contracts/abi/EnergyMarket.json is that of contracts/src");
} else {
  writeFileSync(artefactPath, `${JSON.stringify(artefact, null, 2)}\n`);
  const size = (artefact.deployedBytecode.length - 2) / 2;
  console.log(`wrote ${artefactPath}: ${size} bytes of code, ${artefact.compiler.version}`);
}
