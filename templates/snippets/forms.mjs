// Needs Node 18 or newer, and a file name that ends in .mjs.
const response = await fetch("__BASE_URL__/forms?limit=20", {
  headers: { Authorization: `Bearer ${process.env.__VARIABLE__}` },
  signal: AbortSignal.timeout(30_000),
});
if (!response.ok) throw new Error(`The answer is ${response.status}`);
const { results } = await response.json();
for (const form of results) console.log(form.title);
