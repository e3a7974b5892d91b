use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use url::Url;

/// What went over each connection, one recording for each direction.
type Recordings = Arc<Mutex<Vec<Arc<Mutex<Vec<u8>>>>>>;

/// A proxy in front of a server. It forwards everything and records it.
pub struct RecordingProxy {
    pub url: Url,
    recordings: Recordings,
}

/// An address whose connections wait until [`ListeningAddress::lead_to`] names a server.
pub struct ListeningAddress {
    pub url: Url,
    listener: TcpListener,
}

impl ListeningAddress {
    pub fn listen() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        Self { url, listener }
    }

    pub fn lead_to(self, server: &Url) -> RecordingProxy {
        let Self { url, listener } = self;
        let server = *server.socket_addrs(|| None).unwrap().first().unwrap();
        let recordings = Recordings::default();
        let tap = RecordingProxy { url, recordings: Arc::clone(&recordings) };
        thread::spawn(move || listener.incoming().flatten().for_each(|client| pass_on(&client, server, &recordings)));
        tap
    }
}

impl RecordingProxy {
    /// Starts a proxy in front of the server at this URL.
    pub fn before(server: &Url) -> Self {
        ListeningAddress::listen().lead_to(server)
    }

    /// Everything that was sent in either direction, as text.
    pub fn heard(&self) -> String {
        let recordings = self.recordings.lock().unwrap();
        let texts = recordings.iter().map(|recording| String::from_utf8_lossy(&recording.lock().unwrap()).into_owned());
        texts.collect::<Vec<_>>().join("\n")
    }
}

fn pass_on(client: &TcpStream, server: SocketAddr, recordings: &Recordings) {
    let server = TcpStream::connect(server).unwrap();
    for (from, to) in [(client, &server), (&server, client)] {
        let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        let recording = Arc::default();
        recordings.lock().unwrap().push(Arc::clone(&recording));
        thread::spawn(move || copy(from, to, &recording));
    }
}

/// Copies until one side closes its connection, and then closes both.
fn copy(mut from: TcpStream, mut to: TcpStream, recording: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        recording.lock().unwrap().extend_from_slice(&buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    for stream in [from, to] {
        // It may be closed already.
        let _ = stream.shutdown(Shutdown::Both);
    }
}
