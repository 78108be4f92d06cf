//! The bare loop: reqwest, and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::CONCURRENCY;
use crate::work::Work;

pub(crate) async fn send(work: &Work, url: &str) {
    // Only the first call in a process installs it.
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]);
    let client = client.build().unwrap();
    let requests = Arc::new(work.requests());
    let next = Arc::new(AtomicUsize::new(0));
    let mut loops = tokio::task::JoinSet::new();
    for _ in 0..CONCURRENCY {
        let (client, requests, next) = (client.clone(), Arc::clone(&requests), Arc::clone(&next));
        let url = url.to_owned();
        loops.spawn(async move {
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                let sent = client
                    .request(request.method.clone(), format!("{url}{}", request.path))
                    .header("authorization", "Bearer key")
                    .header("content-type", "application/json")
                    .body(request.body.clone());
                let answer = sent.send().await.unwrap();
                assert!(answer.status().is_success());
                drop(answer.bytes().await.unwrap());
            }
        });
    }
    while let Some(done) = loops.join_next().await {
        done.unwrap();
    }
}
