// Sends pieces to an address that sends them back. Each is sent only after the one before has come back. Fails if one
// does not come back. Usage: node two_way.mjs h1|h2 ADDRESS, with an API key in KEY and a file with the trusted
// certificate in CA.
import { readFileSync } from "node:fs";
import { connect } from "node:http2";
import { request } from "node:https";

const [protocol, address] = process.argv.slice(2);
const url = new URL(address);
const ca = readFileSync(process.env.CA);
const authorization = `Bearer ${process.env.KEY}`;

function open() {
  if (protocol === "h2") {
    const session = connect(url.origin, { ca });
    const stream = session.request({ ":method": "POST", ":path": url.pathname, authorization });
    stream.on("close", () => session.close());
    return { there: stream, back: Promise.resolve(stream) };
  }
  const there = request(url, { method: "POST", ca, headers: { authorization } });
  return { there, back: new Promise((resolve, reject) => there.on("response", resolve).on("error", reject)) };
}

setTimeout(() => {
  console.error("no piece came back in time");
  process.exit(1);
}, 60_000).unref();

const { there, back } = open();
let chunks;
for (const piece of ["one", "two", "three"]) {
  there.write(piece);
  chunks ??= (await back)[Symbol.asyncIterator]();
  let received = "";
  while (received.length < piece.length) {
    const { value, done } = await chunks.next();
    if (done) throw new Error(`the answer ended after ${JSON.stringify(received)}`);
    received += value;
  }
  if (received !== piece) throw new Error(`received ${received}`);
}
there.end();
if (!(await chunks.next()).done) throw new Error("there is more than was sent");
