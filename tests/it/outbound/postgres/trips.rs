//! How often the server is asked, counted by what stands between.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower_webhook::outbound::PostgresOutbox;
use tower_webhook::outbound::store::TransactionalOutbox as _;

use super::{Outbox, event};
use crate::store::servers;

/// Passes on what a client says to the server, and counts how often it then waits for an answer: a simple query, or a
/// `Sync` behind any number of messages.
struct Between {
    port: u16,
    trips: Arc<AtomicUsize>,
}

impl Between {
    async fn start(options: &PgConnectOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let trips = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&trips);
        let server = (options.get_host().to_owned(), options.get_port());
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(pass(client, server, Arc::clone(&counted)));
            }
        });
        Self { port, trips }
    }

    fn trips(&self) -> usize {
        self.trips.swap(0, Ordering::SeqCst)
    }
}

async fn pass(client: TcpStream, server: TcpStream, trips: Arc<AtomicUsize>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answers = async { tokio::io::copy(&mut from_server, &mut to_client).await };
    let questions = async {
        // The first message has no letter.
        let mut message = body(&mut from_client).await?;
        loop {
            to_server.write_all(&message).await?;
            let letter = from_client.read_u8().await?;
            if matches!(letter, b'Q' | b'S') {
                trips.fetch_add(1, Ordering::SeqCst);
            }
            message = vec![letter];
            message.extend(body(&mut from_client).await?);
        }
        #[expect(unreachable_code, reason = "it says what fails")]
        Ok::<(), std::io::Error>(())
    };
    let _ = tokio::join!(answers, questions);
}

/// A length that counts itself, and what follows.
async fn body(from: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Vec<u8>> {
    let length = from.read_u32().await?;
    let mut message = length.to_be_bytes().to_vec();
    message.resize(length as usize, 0);
    from.read_exact(&mut message[4..]).await?;
    Ok(message)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn emitting_in_a_transaction_is_one_round_trip() {
    let Some(outbox) = Outbox::new().await else {
        return;
    };
    for _ in 0..3 {
        outbox.endpoint().await;
    }
    let options: PgConnectOptions = servers::postgres().unwrap().parse().unwrap();
    let between = Between::start(&options).await;
    let options = options.host("127.0.0.1").port(between.port);
    let options = options.ssl_mode(PgSslMode::Disable);
    let pool = PgPoolOptions::new().max_connections(1);
    let pool = pool.connect_with(options).await.unwrap();
    let store = PostgresOutbox::with_schema(pool.clone(), &outbox.schema)
        .await
        .unwrap();
    between.trips();
    for id in ["1", "2", "3"] {
        let mut transaction = pool.begin().await.unwrap();
        between.trips();
        let emitted = store.emit_in(&mut transaction, &event(id), 10).await;
        assert_eq!(emitted.unwrap(), Some(3));
        // The first time a connection learns the statement.
        let expected = if id == "1" { 2 } else { 1 };
        assert_eq!(between.trips(), expected);
        // To be sure that they are counted; the pool may ask too, whether the connection lives.
        transaction.commit().await.unwrap();
        assert!(between.trips() > 0);
    }
    outbox.drop().await;
}
