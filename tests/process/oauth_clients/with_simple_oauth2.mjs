// Prints whose token simple-oauth2 gets, or the error, for each way to send the credentials.
import { ClientCredentials } from "simple-oauth2";

const { APP_URL, API_URL, CLIENT_ID, CLIENT_SECRET } = process.env;

for (const [method, options] of [
  ["basic", { authorizationMethod: "header", credentialsEncodingMode: "strict" }],
  ["basic", { authorizationMethod: "header", credentialsEncodingMode: "loose" }],
  ["post", { authorizationMethod: "body" }],
]) {
  const client = new ClientCredentials({
    client: { id: CLIENT_ID, secret: CLIENT_SECRET },
    auth: { tokenHost: APP_URL },
    options,
  });
  try {
    const { token } = await client.getToken({});
    const headers = { authorization: `${token.token_type} ${token.access_token}` };
    const response = await fetch(new URL("/me", API_URL), { headers });
    console.log(method, (await response.json()).email);
  } catch (error) {
    console.log(method, error.data?.payload?.error ?? error.message);
  }
}
