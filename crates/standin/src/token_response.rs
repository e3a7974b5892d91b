//! The tokens for a grant, and the response of the token endpoint.

use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::{
    StandIn,
    faults::{self, Quirk},
    grants::Grant,
    jwt,
    keys::SigningKey,
};

impl StandIn {
    /// The body of a granted token request.
    pub(super) fn token_response(&self, grant: &Grant) -> Value {
        let mut reply = Map::new();
        if !self.has(Quirk::NoAccessToken) {
            reply.insert("access_token".into(), self.access_token(grant).into());
        }
        if let Some(token) = grant.refresh_token.as_ref().filter(|_| !self.has(Quirk::NoRefreshToken)) {
            reply.insert("refresh_token".into(), token.as_str().into());
        }
        if grant.consent.has_scope("openid") && !self.has(Quirk::NoIdToken) && !self.has(Quirk::StrictClient) {
            reply.insert("id_token".into(), self.id_token(grant).into());
        }
        reply.insert("scope".into(), grant.consent.scope.as_str().into());
        let expires_in = self.locked(|state| state.faults.expires_in);
        let expires_in = expires_in.unwrap_or(self.options().access_ttl.as_secs());
        if self.has(Quirk::ExpiresInText) {
            reply.insert("expires_in".into(), expires_in.to_string().into());
        } else if !self.has(Quirk::NoExpiresIn) {
            reply.insert("expires_in".into(), expires_in.into());
        }
        if !self.has(Quirk::NoTokenType) {
            let token_type = if self.has(Quirk::MacTokenType) { "mac" } else { "Bearer" };
            reply.insert("token_type".into(), token_type.into());
        }
        Value::Object(reply)
    }

    fn access_token(&self, grant: &Grant) -> String {
        if !grant.consent.for_api {
            return jwt::random();
        }
        let now = self.now();
        let expires = now + self.options().access_ttl;
        if self.has(Quirk::OpaqueAccessToken) {
            let token = jwt::random();
            let user = grant.consent.user.clone();
            self.locked(|state| state.grants.access_tokens.insert_opaque(now, token.clone(), user, expires));
            return token;
        }
        jwt::rs256(self.signing_key(), &self.access_claims(grant, now, expires))
    }

    fn access_claims(&self, grant: &Grant, now: OffsetDateTime, expires: OffsetDateTime) -> Value {
        let mut audience = json!(self.options().audience);
        if grant.consent.has_scope("openid") {
            audience = json!([audience, self.url("/userinfo")]);
        }
        json!({
            "iss": self.issuer(),
            "sub": grant.consent.user.sub(),
            "aud": audience,
            "iat": now.unix_timestamp(),
            "exp": expires.unix_timestamp(),
            "azp": self.options().client_id,
            "scope": grant.consent.scope,
            // Without it, two tokens issued within a second would be equal.
            "jti": jwt::random(),
        })
    }

    fn id_token(&self, grant: &Grant) -> String {
        if self.has(Quirk::GarbledIdToken) {
            return jwt::random();
        }
        let claims = self.id_claims(grant);
        if self.has(Quirk::Hs256) {
            return jwt::hs256(&self.options().client_secret, &claims);
        }
        let token = jwt::rs256(self.signing_key(), &claims);
        if self.has(Quirk::BrokenSignature) {
            return format!("{}.{}", token.rsplit_once('.').map_or("", |(input, _)| input), jwt::random());
        }
        token
    }

    fn id_claims(&self, grant: &Grant) -> Value {
        let wrong = |quirk, right: String, wrong: &str| if self.has(quirk) { wrong.to_owned() } else { right };
        let user = &grant.consent.user;
        let issued = self.now() - if self.has(Quirk::ExpiredIdToken) { Duration::hours(11) } else { Duration::ZERO };
        let mut claims = json!({
            "iss": wrong(Quirk::WrongIssuer, self.issuer(), "https://another.example/"),
            "aud": wrong(Quirk::WrongAudience, self.options().client_id.clone(), "another-client"),
            "sub": wrong(Quirk::AnotherSubject, user.sub(), "auth0|another-user"),
            "iat": issued.unix_timestamp(),
            "exp": (issued + Duration::hours(10)).unix_timestamp(),
        });
        if let Some(nonce) = &grant.nonce {
            claims["nonce"] = wrong(Quirk::WrongNonce, nonce.clone(), "another-nonce").into();
        }
        if grant.consent.has_scope("profile") {
            claims["name"] = user.name.as_str().into();
            claims["nickname"] = user.email.split('@').next().into();
        }
        if grant.consent.has_scope("email") {
            claims["email"] = user.email.as_str().into();
            claims["email_verified"] = (user.email_verified && !self.has(Quirk::EmailUnverified)).into();
        }
        faults::replace(&mut claims, self.faults().id_claims);
        claims
    }

    fn signing_key(&self) -> &SigningKey {
        let next = self.has(Quirk::NewSigningKey) || self.has(Quirk::UnlistedSigningKey);
        if next { &self.keys().next } else { &self.keys().current }
    }
}
