// Needs Node 18 or newer. Save as forms.mjs.
const address = "__BASE_URL__/forms?limit=20";
const secret = process.env.__VARIABLE__;
const response = await fetch(address, {
  headers: { Authorization: `Bearer ${secret}` },
  signal: AbortSignal.timeout(30_000),
});
if (!response.ok) throw new Error(`VideoAsk answered ${response.status}`);
const { results } = await response.json();
for (const form of results) console.log(form.title);
