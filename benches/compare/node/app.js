// What the app on glitch.com is built of, in its fewest lines: a home page, the login, and a page with both tokens.
const express = require("express");
const session = require("express-session");
const passport = require("passport");
const { Strategy } = require("passport-videoask");

const { APP_URL, CLIENT_ID, CLIENT_SECRET, EXPRESS_SESSION, PORT, VIDEOASK_URL } = process.env;
const escapes = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escape = (text) => text.replace(/[&<>"]/g, (character) => escapes[character]);
const page = (body) => `<!doctype html><title>VideoAsk tokens</title><h1>VideoAsk tokens</h1>${body}`;

passport.serializeUser((user, done) => done(null, user));
passport.deserializeUser((user, done) => done(null, user));
passport.use(
  new Strategy(
    {
      clientID: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      callbackURL: `${APP_URL}/auth/videoask/callback`,
      authorizationURL: `${VIDEOASK_URL}/authorize`,
      tokenURL: `${VIDEOASK_URL}/oauth/token`,
      userProfileURL: `${VIDEOASK_URL}/me`,
      scope: ["openid", "profile", "email", "offline_access"],
    },
    (accessToken, refreshToken, profile, done) => done(null, { accessToken, refreshToken, email: profile.email }),
  ),
);

const app = express();
app.use(session({ secret: EXPRESS_SESSION, resave: false, saveUninitialized: false }));
app.use(passport.initialize());
app.use(passport.session());
app.get("/", (request, response) => response.send(page('<a href="/auth/videoask">Login on VideoAsk</a>')));
app.get("/auth/videoask", passport.authenticate("videoask"));
app.get("/auth/videoask/callback", passport.authenticate("videoask", { failureRedirect: "/" }), (request, response) =>
  response.redirect("/tokens"),
);
app.get("/tokens", (request, response) => {
  if (!request.user) return response.redirect("/");
  const { accessToken, refreshToken, email } = request.user;
  const tokens = [accessToken, refreshToken].map((token) => `<pre>${escape(token)}</pre>`).join("");
  return response.send(page(`<p>${escape(email)}</p>${tokens}`));
});
app.listen(Number(PORT), "127.0.0.1");
