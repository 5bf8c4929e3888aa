//! Locks as objects of a cluster, in the two forms in which istiod has them.

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta, Time};
use kube::api::PostParams;
use kube::{Api, Client, Error};

use super::elector::Record;

/// The annotation of a ConfigMap that holds the record.
const RECORD: &str = "control-plane.alpha.kubernetes.io/leader";
/// The annotation of a Lease that holds the key, for which Kubernetes has no field.
const KEY: &str = "leader.istio.io/holder-key";

/// In what the record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    ConfigMap,
    Lease,
}

impl Form {
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Lease => "Lease",
        }
    }

    /// API group and resource.
    pub(super) fn resource(self) -> (&'static str, &'static str) {
        match self {
            Self::ConfigMap => ("", "configmaps"),
            Self::Lease => ("coordination.k8s.io", "leases"),
        }
    }
}

/// A lock.
pub(super) struct Lock {
    pub(super) name: &'static str,
    pub(super) form: Form,
    maps: Api<ConfigMap>,
    leases: Api<Lease>,
}

/// The object of a lock as it was read.
pub(super) enum Held {
    ConfigMap(Box<ConfigMap>),
    Lease(Box<Lease>),
}

impl Lock {
    pub(super) fn new(client: &Client, namespace: &str, name: &'static str, form: Form) -> Self {
        let maps = Api::namespaced(client.clone(), namespace);
        Self { name, form, maps, leases: Api::namespaced(client.clone(), namespace) }
    }

    /// What it says, and the object to be written over; none if there is no such object.
    pub(super) async fn read(&self) -> Result<Option<(Record, Held)>, Error> {
        Ok(match self.form {
            Form::ConfigMap => {
                self.maps.get_opt(self.name).await?.map(|map| (of_map(&map), Held::ConfigMap(Box::new(map))))
            }
            Form::Lease => {
                self.leases.get_opt(self.name).await?.map(|lease| (of_lease(&lease), Held::Lease(Box::new(lease))))
            }
        })
    }

    pub(super) async fn create(&self, record: &Record) -> Result<(), Error> {
        let metadata = ObjectMeta { name: Some(self.name.to_owned()), ..ObjectMeta::default() };
        let held = match self.form {
            Form::ConfigMap => Held::ConfigMap(Box::new(ConfigMap { metadata, ..ConfigMap::default() })),
            Form::Lease => Held::Lease(Box::new(Lease { metadata, spec: None })),
        };
        match held.with(record)? {
            Held::ConfigMap(map) => self.maps.create(&PostParams::default(), &map).await.map(drop),
            Held::Lease(lease) => self.leases.create(&PostParams::default(), &lease).await.map(drop),
        }
    }

    /// Writes over what was read. A conflict if it was written over since.
    pub(super) async fn replace(&self, held: Held, record: &Record) -> Result<(), Error> {
        match held.with(record)? {
            Held::ConfigMap(map) => self.maps.replace(self.name, &PostParams::default(), &map).await.map(drop),
            Held::Lease(lease) => self.leases.replace(self.name, &PostParams::default(), &lease).await.map(drop),
        }
    }
}

impl Held {
    /// The same object with another record.
    fn with(self, record: &Record) -> Result<Self, Error> {
        Ok(match self {
            Self::ConfigMap(mut map) => {
                let text = serde_json::to_string(record).map_err(Error::SerdeError)?;
                map.metadata.annotations.get_or_insert_default().insert(RECORD.to_owned(), text);
                Self::ConfigMap(map)
            }
            Self::Lease(mut lease) => {
                let time = |time: &Option<Time>| time.as_ref().map(|time| MicroTime(time.0));
                lease.spec = Some(LeaseSpec {
                    holder_identity: Some(record.holder_identity.clone()),
                    lease_duration_seconds: Some(record.lease_duration_seconds),
                    acquire_time: time(&record.acquire_time),
                    renew_time: time(&record.renew_time),
                    lease_transitions: Some(record.leader_transitions),
                    ..lease.spec.unwrap_or_default()
                });
                let annotations = lease.metadata.annotations.get_or_insert_default();
                match record.holder_key.is_empty() {
                    true => annotations.remove(KEY),
                    false => annotations.insert(KEY.to_owned(), record.holder_key.clone()),
                };
                Self::Lease(lease)
            }
        })
    }
}

fn of_map(map: &ConfigMap) -> Record {
    let Some(text) = map.metadata.annotations.as_ref().and_then(|all| all.get(RECORD)) else {
        return Record::default();
    };
    serde_json::from_str(text).unwrap_or_else(|_| Record {
        // Somebody holds it who writes otherwise; it expires as any other does.
        holder_identity: "somebody whose record cannot be read".to_owned(),
        holder_key: text.clone(),
        ..Record::default()
    })
}

fn of_lease(lease: &Lease) -> Record {
    let spec = lease.spec.clone().unwrap_or_default();
    let time = |time: Option<MicroTime>| time.map(|time| Time(time.0));
    let key = lease.metadata.annotations.as_ref().and_then(|all| all.get(KEY));
    Record {
        holder_identity: spec.holder_identity.unwrap_or_default(),
        holder_key: key.cloned().unwrap_or_default(),
        lease_duration_seconds: spec.lease_duration_seconds.unwrap_or_default(),
        acquire_time: time(spec.acquire_time),
        renew_time: time(spec.renew_time),
        leader_transitions: spec.lease_transitions.unwrap_or_default(),
    }
}
