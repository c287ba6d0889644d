// Runs Ganache on loopback. Its options, keys among them, come as one JSON object on standard
// input, so that no key stands in an argument list:
//   {"package": directory of the ganache package, "port": n, "options": Ganache's own options}
// Prints "listening" once it answers. Ends with its parent's SIGTERM.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { package: directory, port, options } = JSON.parse(readFileSync(0, "utf8"));
const ganache = createRequire(import.meta.url)(directory);

// One more account that nobody knows: without it, two chains made in the same second from the
// same keys would share their genesis hash and could not be told apart.
options.wallet.accounts.push({ secretKey: `0x${randomBytes(32).toString("hex")}`, balance: "0x1" });

const server = ganache.server(options);
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, async () => {
    await server.close();
    process.exit(0);
  });
}
try {
  await server.listen(port, "127.0.0.1");
} catch (problem) {
  console.error(`ganache cannot listen on 127.0.0.1:${port}: ${problem.message}`);
  process.exit(1);
}
console.log(`listening on 127.0.0.1:${port}`);
