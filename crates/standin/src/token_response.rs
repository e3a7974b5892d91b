//! The tokens for a grant, and the response of the token endpoint.

use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::{
    StandIn,
    faults::{self, Deviation},
    grants::Grant,
    jwt,
    keys::SigningKey,
};

impl StandIn {
    /// The body of a granted token request.
    pub(super) fn token_response(&self, grant: &Grant) -> Value {
        let mut reply = Map::new();
        if !self.has(Deviation::NoAccessToken) {
            reply.insert("access_token".into(), self.access_token(grant).into());
        }
        if let Some(token) = grant.refresh_token.as_ref().filter(|_| !self.has(Deviation::NoRefreshToken)) {
            reply.insert("refresh_token".into(), token.as_str().into());
        }
        if grant.consent.has_scope("openid") && !self.has(Deviation::NoIdToken) && !self.has(Deviation::StrictClient) {
            reply.insert("id_token".into(), self.id_token(grant).into());
        }
        reply.insert("scope".into(), grant.consent.scope.as_str().into());
        let expires_in = self.locked(|state| state.faults.expires_in);
        let expires_in = expires_in.unwrap_or(self.options().access_ttl.as_secs());
        if self.has(Deviation::ExpiresInText) {
            reply.insert("expires_in".into(), expires_in.to_string().into());
        } else if !self.has(Deviation::NoExpiresIn) {
            reply.insert("expires_in".into(), expires_in.into());
        }
        if !self.has(Deviation::NoTokenType) {
            let token_type = if self.has(Deviation::MacTokenType) { "mac" } else { "Bearer" };
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
        if self.has(Deviation::OpaqueAccessToken) {
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
            // Without `jti`, two tokens issued within a second would be equal.
            "jti": jwt::random(),
        })
    }

    fn id_token(&self, grant: &Grant) -> String {
        if self.has(Deviation::GarbledIdToken) {
            return jwt::random();
        }
        let claims = self.id_claims(grant);
        if self.has(Deviation::Hs256) {
            return jwt::hs256(&self.options().client_secret, &claims);
        }
        let token = jwt::rs256(self.signing_key(), &claims);
        if self.has(Deviation::BrokenSignature) {
            return format!("{}.{}", token.rsplit_once('.').map_or("", |(input, _)| input), jwt::random());
        }
        token
    }

    fn id_claims(&self, grant: &Grant) -> Value {
        let wrong = |deviation, right: String, wrong: &str| if self.has(deviation) { wrong.to_owned() } else { right };
        let user = &grant.consent.user;
        let issued =
            self.now() - if self.has(Deviation::ExpiredIdToken) { Duration::hours(11) } else { Duration::ZERO };
        let mut claims = json!({
            "iss": wrong(Deviation::WrongIssuer, self.issuer(), "https://another.example/"),
            "aud": wrong(Deviation::WrongAudience, self.options().client_id.clone(), "another-client"),
            "sub": wrong(Deviation::AnotherSubject, user.sub(), "auth0|another-user"),
            "iat": issued.unix_timestamp(),
            "exp": (issued + Duration::hours(10)).unix_timestamp(),
        });
        if let Some(nonce) = &grant.nonce {
            claims["nonce"] = wrong(Deviation::WrongNonce, nonce.clone(), "another-nonce").into();
        }
        if grant.consent.has_scope("profile") {
            claims["name"] = user.name.as_str().into();
            claims["nickname"] = user.email.split('@').next().into();
        }
        if grant.consent.has_scope("email") {
            claims["email"] = user.email.as_str().into();
            claims["email_verified"] = (user.email_verified && !self.has(Deviation::EmailUnverified)).into();
        }
        faults::replace(&mut claims, self.faults().id_claims);
        claims
    }

    fn signing_key(&self) -> &SigningKey {
        let next = self.has(Deviation::NewSigningKey) || self.has(Deviation::UnlistedSigningKey);
        if next { &self.keys().next } else { &self.keys().current }
    }
}
