//! A serial line through a socket: late clients, several clients, both directions.

use bulkhead::console::hub::{BACKLOG, Hub};
use bulkhead::console::server::Server;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

struct Line {
    hub: Hub,
    machine: UnixStream,
    path: PathBuf,
    _server: Server,
    _folder: tempfile::TempDir,
}

fn line() -> Line {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("console");
    let hub = Hub::new();
    let server = Server::listen(&path, &hub).expect("listens");
    let (ours, machine) = UnixStream::pair().expect("pair");
    hub.connect(ours).expect("connects");
    Line {
        hub,
        machine,
        path,
        _server: server,
        _folder: folder,
    }
}

fn client(line: &Line) -> UnixStream {
    let client = UnixStream::connect(&line.path).expect("connects");
    client
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("time-out");
    client
}

fn read_exactly(from: &mut UnixStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    from.read_exact(&mut bytes).expect("as many bytes");
    bytes
}

/// A client that has seen `marker` shows that the hub has handled all before it.
fn settle(line: &mut Line, marker: &[u8]) {
    let mut first = client(line);
    line.machine.write_all(marker).expect("machine writes");
    let mut seen = Vec::new();
    while !seen.ends_with(marker) {
        let mut buffer = [0; 4096];
        let count = first.read(&mut buffer).expect("the marker comes");
        seen.extend_from_slice(&buffer[..count]);
    }
}

#[test]
fn a_late_client_first_gets_the_last_64_kib() {
    let mut line = line();
    let long: Vec<u8> = (0..BACKLOG * 2).map(|i| (i / 7 % 251) as u8).collect();
    line.machine.write_all(&long).expect("machine writes");
    settle(&mut line, b"<end>");
    let sent = [&long[..], b"<end>"].concat();
    let got = read_exactly(&mut client(&line), BACKLOG);
    assert!(got == sent[sent.len() - BACKLOG..], "not the last 64 KiB");
}

#[test]
fn a_client_before_the_machine_loses_nothing_either_way() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("console");
    let hub = Hub::new();
    let _server = Server::listen(&path, &hub).expect("listens");
    let mut early = UnixStream::connect(&path).expect("listens before the machine starts");
    early.write_all(b"typed").expect("writes");
    let (ours, mut machine) = UnixStream::pair().expect("pair");
    // Give the typed bytes either of their two ways: before or after the machine is there.
    hub.connect(ours).expect("connects");
    assert_eq!(read_exactly(&mut machine, 5), b"typed");
    machine.write_all(b"\xff\x00raw\r\n").expect("writes");
    assert_eq!(read_exactly(&mut early, 7), b"\xff\x00raw\r\n");
}

#[test]
fn clients_at_once_and_in_turn_see_the_same() {
    let mut line = line();
    let (mut a, mut b) = (client(&line), client(&line));
    line.machine.write_all(b"one").expect("writes");
    assert_eq!(read_exactly(&mut a, 3), b"one");
    assert_eq!(read_exactly(&mut b, 3), b"one");
    drop(a);
    line.machine.write_all(b"two").expect("writes");
    assert_eq!(read_exactly(&mut b, 3), b"two");
    assert_eq!(read_exactly(&mut client(&line), 6), b"onetwo");
    b.write_all(b"in").expect("writes");
    assert_eq!(read_exactly(&mut line.machine, 2), b"in");
}

#[test]
fn a_client_that_does_not_read_delays_nobody() {
    let mut line = line();
    let _lazy = client(&line);
    let mut busy = client(&line);
    let long = vec![b'x'; 4 << 20];
    let mut machine = line.machine.try_clone().expect("clone");
    let writer = std::thread::spawn(move || machine.write_all(&long).expect("machine writes"));
    assert_eq!(read_exactly(&mut busy, 4 << 20).len(), 4 << 20);
    writer.join().expect("writer");
    line.machine.write_all(b"!").expect("writes");
    assert_eq!(read_exactly(&mut busy, 1), b"!");
}

#[test]
fn the_last_words_reach_every_client_before_the_end() {
    let line = line();
    let mut client = client(&line);
    let Line {
        hub, mut machine, ..
    } = line;
    machine.write_all(b"goodbye").expect("writes");
    drop(machine);
    hub.finish(Instant::now() + Duration::from_secs(10));
    let mut said = Vec::new();
    client.read_to_end(&mut said).expect("the line ends");
    assert_eq!(said, b"goodbye");
}

#[test]
fn a_live_socket_is_not_taken_over_and_a_dead_one_is() {
    let line = line();
    let error = Server::listen(&line.path, &Hub::new()).expect_err("someone listens");
    assert_eq!(error.code(), 2);
    let folder = tempfile::tempdir().expect("folder");
    let dead = folder.path().join("dead");
    drop(std::os::unix::net::UnixListener::bind(&dead).expect("binds"));
    assert!(dead.exists());
    let server = Server::listen(&dead, &Hub::new()).expect("replaces it");
    drop(server);
    assert!(!dead.exists());
}
