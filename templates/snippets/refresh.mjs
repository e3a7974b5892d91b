// Lists your forms, and gets the next access token when one has expired. Needs Node 18 or newer.
// Save this as refresh.mjs and "Download JSON" as videoask.json beside it, and set CLIENT_ID and CLIENT_SECRET.
// Let only one program use that file.
import { open, readFile, rename, rm, stat } from "node:fs/promises";

const apiUrl = process.env.VIDEOASK_API_URL ?? "__API_URL__";
const authUrl = process.env.VIDEOASK_AUTH_URL ?? "__AUTH_URL__";
const file = process.env.VIDEOASK_TOKENS ?? "videoask.json";
const newFile = `${file}.new`;

async function load() {
  try {
    // A program that was stopped between writing and renaming left its tokens here.
    if ((await stat(newFile)).mtimeMs > (await stat(file)).mtimeMs) {
      JSON.parse(await readFile(newFile, "utf8"));
      await rename(newFile, file);
    }
  } catch (error) {
    if (error.code !== "ENOENT" && !(error instanceof SyntaxError)) throw error;
  }
  return JSON.parse(await readFile(file, "utf8"));
}

async function save(tokens) {
  // Replaces the file as a whole, so that it is never half written.
  await rm(newFile, { force: true });
  const handle = await open(newFile, "wx", 0o600);
  await handle.writeFile(JSON.stringify(tokens));
  await handle.sync();
  await handle.close();
  await rename(newFile, file);
}

async function refresh(tokens) {
  const now = Date.now();
  const response = await fetch(`${authUrl}/oauth/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "refresh_token",
      client_id: process.env.CLIENT_ID,
      client_secret: process.env.CLIENT_SECRET,
      refresh_token: tokens.refresh_token,
    }),
    signal: AbortSignal.timeout(30_000),
  });
  if (!response.ok) throw new Error(`VideoAsk did not refresh (${response.status}): ${await response.text()}`);
  const answer = await response.json();
  const fresh = {
    access_token: answer.access_token,
    // With rotation, the answer has a new refresh token, and the old one no longer works.
    refresh_token: answer.refresh_token || tokens.refresh_token,
    expires_at: new Date(now + (answer.expires_in ?? 300) * 1000).toISOString(),
  };
  await save(fresh);
  return fresh;
}

async function get(path) {
  const call = ({ access_token }) =>
    fetch(apiUrl + path, {
      headers: { Authorization: `Bearer ${access_token}` },
      signal: AbortSignal.timeout(30_000),
    });
  const tokens = await load();
  const valid = Date.parse(tokens.expires_at) - Date.now() >= 60_000;
  let response = await call(valid ? tokens : await refresh(tokens));
  if (valid && response.status === 401) response = await call(await refresh(tokens));
  if (!response.ok) throw new Error(`VideoAsk answered ${response.status}`);
  return response.json();
}

for (const form of (await get("/forms?limit=20")).results) console.log(form.title);
