//! Checks a Redis URL before the Redis client parses it. If the password has an unescaped `@`, `#` or `?`, a URL parser
//! may take part of the password as the host name, and the client would send it to a DNS server.

use std::net::Ipv6Addr;

use crate::config::diagnostic::Issue;

/// The form of a Redis URL, as a fix.
pub(super) const FORM: &str = "Write redis://user:password@host:port/database; only the host is required.";
const NO_PARAMETERS: &str = "Write redis://user:password@host:port/database, without parameters; the database is a \
                             path: /2, not ?db=2. A ? that belongs to the password is written %3F.";
const NO_FRAGMENT: &str = "Leave out the # and what follows it. A # that belongs to the password is written %23.";
const PERCENT_ENCODE: &str = "Percent-encode each special character of the password: @ is written %40, : is %3A, / is \
                              %2F, # is %23, ? is %3F, % is %25, and a space is %20. A password of letters, digits, - \
                              and _ needs none of this.";
const PASSWORD_ALONE: &str =
    "Write redis://:password@host, with a colon before the password, if there is no user name.";

/// Checks that the text after `redis://` or `rediss://` is `[user:password@]host[:port][/database]`. No part of it is
/// in the issue.
pub(super) fn check(rest: &str) -> Result<(), Issue> {
    let (login, server) = match rest.rsplit_once('@') {
        Some((login, server)) => (Some(login), server),
        None => (None, rest),
    };
    login.map_or(Ok(()), check_login)?;
    if server.contains('#') {
        return Err(Issue::new("it has a fragment (#), which has no meaning here", NO_FRAGMENT));
    }
    if server.contains('?') {
        return Err(Issue::new("it has parameters (?), and a Redis URL has none here", NO_PARAMETERS));
    }
    let (address, database) = server.split_once('/').unwrap_or((server, ""));
    check_address(address)?;
    if database.chars().all(|digit| digit.is_ascii_digit()) {
        Ok(())
    } else {
        Err(Issue::new("its path is not the number of a database", FORM))
    }
}

fn check_login(login: &str) -> Result<(), Issue> {
    if !is_encoded(login) {
        return Err(Issue::new(
            "its user name or password has a special character that is not encoded",
            PERCENT_ENCODE,
        ));
    }
    match login.split_once(':') {
        Some((_, password)) if !password.is_empty() => Ok(()),
        _ => Err(Issue::new("it has an @ without a password before it", PASSWORD_ALONE)),
    }
}

/// Whether every character is allowed before the `@` of a URL (RFC 3986, 3.2.1).
fn is_encoded(login: &str) -> bool {
    let mut bytes = login.bytes();
    while let Some(byte) = bytes.next() {
        let allowed = match byte {
            b'%' => {
                bytes.next().is_some_and(|hex| hex.is_ascii_hexdigit())
                    && bytes.next().is_some_and(|hex| hex.is_ascii_hexdigit())
            }
            _ => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:".contains(&byte),
        };
        if !allowed {
            return false;
        }
    }
    true
}

fn check_address(address: &str) -> Result<(), Issue> {
    let bracketed = address.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (host, port) = bracketed.unwrap_or_else(|| address.split_at(address.find(':').unwrap_or(address.len())));
    let host_is_right = if bracketed.is_some() { host.parse::<Ipv6Addr>().is_ok() } else { is_host(host) };
    let port_is_right =
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port != 0));
    if host_is_right && port_is_right { Ok(()) } else { Err(Issue::new("its host or port is not valid", FORM)) }
}

fn is_host(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}
