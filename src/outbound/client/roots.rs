use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::config::ConfigError;

/// Whose certificates are believed.
#[derive(Clone, Debug)]
pub(super) struct Roots {
    is_system_believed: bool,
    given: Vec<CertificateDer<'static>>,
}

impl Default for Roots {
    fn default() -> Self {
        Self {
            is_system_believed: true,
            given: Vec::new(),
        }
    }
}

impl Roots {
    pub(super) fn forget_system(&mut self) {
        self.is_system_believed = false;
    }

    pub(super) fn add_pem(&mut self, pem: &[u8]) -> Result<(), ConfigError> {
        let refused = |_| ConfigError::new("root_certificate", "must be certificates in PEM");
        let before = self.given.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            self.given.push(certificate.map_err(refused)?);
        }
        if self.given.len() == before {
            return Err(refused(rustls::pki_types::pem::Error::NoItemsFound));
        }
        Ok(())
    }

    pub(super) fn config(self) -> Result<ClientConfig, ConfigError> {
        let mut store = RootCertStore::empty();
        if self.is_system_believed {
            // Some of what a system holds cannot be read by anybody; only to have none at all matters.
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        for certificate in self.given {
            let added = store.add(certificate);
            added.map_err(|_| ConfigError::new("root_certificate", "cannot be a root"))?;
        }
        if store.is_empty() {
            return Err(ConfigError::new(
                "root_certificate",
                "must be given where the system has none",
            ));
        }
        // Named, because a program with two providers of cryptography has no default one.
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|_| {
                ConfigError::new("tls", "has no version in common with its cryptography")
            })?;
        Ok(config.with_root_certificates(store).with_no_client_auth())
    }
}
