//! The readings of a refresh.

use std::collections::BTreeSet;

use tokio::time::Instant;

use super::Refresher;
use super::reread::{RereadCustomers, given_keys};
use crate::domain::{CustomerId, RemoteCustomer, RowKey};
use crate::helpcrunch::ReadClient;
use crate::remote::{LookupKeys, RemoteError, find_all};
use crate::run::lane::LaneJob;
use crate::run::recent::get_if_exists;

impl Refresher {
    /// Reads the customers that the lanes were planned for, and those that have keys which lanes create or give. Returns
    /// since when the readings count.
    pub(super) async fn read_planned(
        &self,
        client: &ReadClient,
        jobs: &[LaneJob],
        customers: &mut RereadCustomers,
    ) -> Result<Instant, RemoteError> {
        let asked_at = Instant::now();
        let mut wanted = LookupKeys::default();
        for job in jobs {
            match job.lane.customer {
                Some(id) => wanted.add(&RowKey {
                    id: Some(id),
                    ..RowKey::default()
                }),
                None => wanted.add(&job.lane.key),
            }
            wanted.add(&given_keys(&job.lane.operations));
            if job.user_id_holder.is_some() {
                wanted.add(&RowKey {
                    id: job.user_id_holder,
                    ..RowKey::default()
                });
            }
        }
        search(client, &wanted, customers).await?;
        let read_at = client.gate().calm_since(asked_at);
        let ids = jobs
            .iter()
            .flat_map(|job| [job.lane.customer, job.user_id_holder])
            .flatten();
        self.read_missing(client, ids, customers).await?;
        Ok(read_at)
    }

    /// Reads the customers that have the keys of rows whose customer is not certain.
    pub(super) async fn read_by_keys(
        &self,
        client: &ReadClient,
        jobs: &[LaneJob],
        is_uncertain: &[bool],
        customers: &mut RereadCustomers,
    ) -> Result<(), RemoteError> {
        let uncertain = jobs.iter().zip(is_uncertain).filter(|(_, is)| **is);
        let mut uncertain: Vec<&LaneJob> = uncertain.map(|(job, _)| job).collect();
        let mut keys = LookupKeys::default();
        uncertain.iter().for_each(|job| keys.add(&job.lane.key));
        search(client, &keys, customers).await?;
        self.read_recent(client, jobs, customers).await?;
        uncertain.extend(jobs.iter().filter(|job| job.lane.customer.is_none()));
        self.confirm_absence(client, &uncertain, customers).await
    }

    /// Adds the customers with the rows' e-mail addresses that search does not find although they exist. Not finding an
    /// address counts only if search is known to ignore case; otherwise all customers are listed.
    async fn confirm_absence(
        &self,
        client: &ReadClient,
        jobs: &[&LaneJob],
        customers: &mut RereadCustomers,
    ) -> Result<(), RemoteError> {
        let emails = jobs.iter().filter_map(|job| job.lane.key.email.as_deref());
        let unseen: Vec<&str> = emails
            .filter(|email| customers.with_email(email).next().is_none())
            .collect();
        if !unseen.is_empty() {
            let found = self.absence.lock().await.find(client, &unseen).await?;
            customers.add(found);
        }
        Ok(())
    }

    /// Reads customers that got one of the rows' keys recently: search may not find them yet.
    async fn read_recent(
        &self,
        client: &ReadClient,
        jobs: &[LaneJob],
        customers: &mut RereadCustomers,
    ) -> Result<(), RemoteError> {
        let recent = self.memory.recent();
        let ids = jobs.iter().flat_map(|job| {
            let given = given_keys(&job.lane.operations);
            let of_key = recent.of(&job.lane.key);
            of_key.chain(recent.of(&given)).collect::<Vec<_>>()
        });
        let ids: BTreeSet<CustomerId> = ids.filter(|id| customers.get(*id).is_none()).collect();
        self.read_missing(client, ids.into_iter(), customers).await
    }

    /// Reads each customer by its id that a search did not find or reported only in part.
    pub(super) async fn read_missing(
        &self,
        client: &ReadClient,
        ids: impl Iterator<Item = CustomerId>,
        customers: &mut RereadCustomers,
    ) -> Result<(), RemoteError> {
        for id in ids {
            if !customers.get(id).is_some_and(RemoteCustomer::is_complete) {
                customers.add(get_if_exists(client, id).await?);
            }
        }
        Ok(())
    }
}

async fn search(
    client: &ReadClient,
    wanted: &LookupKeys,
    customers: &mut RereadCustomers,
) -> Result<(), RemoteError> {
    let mut found = Vec::new();
    find_all(client, wanted, &mut found).await?;
    customers.add(found);
    Ok(())
}
