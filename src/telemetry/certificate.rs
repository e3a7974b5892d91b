//! What to do about a TLS certificate that was refused.

use std::{error::Error, io};

use rustls::CertificateError;

/// The fix for a certificate of an authority (CA) that this machine does not trust.
const UNKNOWN_ISSUER: &str = "Set the environment variable SSL_CERT_FILE (it is not read from .env) to a PEM file with \
    every CA to trust: a copy of the system's, often /etc/ssl/certs/ca-certificates.crt, with the CA of your network's \
    TLS inspection or of that server added.";
const WRONG_TIME: &str = "Set this machine's clock right (NTP). If it is right, that server's certificate has expired.";
const WRONG_NAME: &str = "Check the host name in the URL: the certificate of that server is for another one.";

/// What to do, if a refused certificate is among the causes of this error.
pub(crate) fn certificate_fix(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let mut causes = std::iter::successors(Some(error), |&cause| cause.source());
    causes.find_map(rustls_error).and_then(|error| match error {
        rustls::Error::InvalidCertificate(refused) => fix(refused),
        _ => None,
    })
}

/// rustls reports its errors inside I/O errors, perhaps one inside another, whose `source` skips them.
fn rustls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let inside = || rustls_error(error.downcast_ref::<io::Error>()?.get_ref()?);
    error.downcast_ref().or_else(inside)
}

fn fix(refused: &CertificateError) -> Option<&'static str> {
    match refused {
        CertificateError::UnknownIssuer => Some(UNKNOWN_ISSUER),
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => Some(WRONG_TIME),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Some(WRONG_NAME),
        _ => None,
    }
}
