// Prints whose token openid-client gets, or the error, for each way to send the credentials. It discovers the endpoint.
import * as client from "openid-client";

const { APP_URL, API_URL, CLIENT_ID, CLIENT_SECRET } = process.env;

for (const [method, authentication] of [
  ["basic", client.ClientSecretBasic(CLIENT_SECRET)],
  ["post", client.ClientSecretPost(CLIENT_SECRET)],
]) {
  const server = await client.discovery(new URL(APP_URL), CLIENT_ID, undefined, authentication, {
    algorithm: "oauth2",
    execute: [client.allowInsecureRequests],
  });
  try {
    const { access_token } = await client.clientCredentialsGrant(server);
    const response = await client.fetchProtectedResource(server, access_token, new URL("/me", API_URL), "GET");
    console.log(method, (await response.json()).email);
  } catch (error) {
    // Where a response has a challenge, this client leaves its body to the caller.
    const isChallenge = error.code === "OAUTH_WWW_AUTHENTICATE_CHALLENGE";
    console.log(method, isChallenge ? (await error.response.json()).error : error.error);
  }
}
