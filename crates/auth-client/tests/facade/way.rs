//! A way to a server that can be cut.

use std::net::SocketAddr;

use tokio::io;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Carries what comes to its address to a server, until it is cut.
pub(crate) struct Way {
    address: SocketAddr,
    server: String,
    carrier: JoinHandle<()>,
}

impl Way {
    /// A way to the server at this URL.
    pub(crate) async fn to(url: &str) -> Self {
        let server = url.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        Self {
            address: listener.local_addr().unwrap(),
            carrier: tokio::spawn(carry(listener, server.clone())),
            server,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends every connection, and refuses new ones.
    pub(crate) async fn cut(&mut self) {
        self.carrier.abort();
        assert!((&mut self.carrier).await.unwrap_err().is_cancelled());
    }

    /// Lets through again what comes to the same address.
    pub(crate) async fn reopen(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.carrier = tokio::spawn(carry(listener, self.server.clone()));
    }
}

async fn carry(listener: TcpListener, server: String) {
    // Dropped with this task, and its connections with it.
    let mut connections = JoinSet::new();
    while let Ok((mut near, _)) = listener.accept().await {
        let server = server.clone();
        connections.spawn(async move {
            let mut far = TcpStream::connect(server).await?;
            io::copy_bidirectional(&mut near, &mut far).await
        });
    }
}
