//! Files as the system gives them: missing, compressed, damaged, changing; and what is known of them in the end.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures::TryStreamExt;

use super::{contract, input, read_whole, told};
use crate::base::clock::{Clock, SystemClock};
use crate::ingest::reading::{
    InferredFile, ReadError, ReadSizes, hash_file, identity, infer, read,
};
use crate::rules::{ColumnType, ReadOptions};

fn file(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn refused(path: &Path) -> String {
    let error = read_whole(input(path, contract("a bigint"), ReadOptions::default())).unwrap_err();
    match error.hint() {
        Some(hint) => format!("{error}\nhint: {hint}"),
        None => error.to_string(),
    }
}

#[test]
fn compressed_files_read_as_what_they_hold() {
    let folder = tempfile::tempdir().unwrap();
    let members = [gzipped(b"a\n1\n"), gzipped(b"2\n3")].concat();
    let frames =
        [zstd::encode_all(&b"a\n1\n2"[..], 1).unwrap(), zstd::encode_all(&b"\n3"[..], 1).unwrap()]
            .concat();
    for (name, bytes) in [("a.csv.gz", members), ("a.csv.ZST", frames)] {
        let path = file(folder.path(), name, &bytes);
        let outcome =
            read_whole(input(&path, contract("a bigint"), ReadOptions::default())).unwrap();
        insta::allow_duplicates! {
            insta::assert_snapshot!(told(&outcome), @r"
            2 2..3 1
            3 4..5 2
            4 6..7 3
            ");
        }
        assert_eq!(outcome.summary.hash, blake3::hash(&bytes).to_hex().to_string());
        assert_eq!(outcome.summary.stored_bytes, bytes.len() as u64);
        let of_chunks: u64 = outcome.chunks.iter().map(|chunk| chunk.stored_bytes).sum();
        assert_eq!(of_chunks, bytes.len() as u64);
    }
}

#[test]
fn the_summary_tells_the_file_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "a.csv", b"a,b\n1,2\n");
    let summary =
        read_whole(input(&path, contract("a bigint"), ReadOptions::default())).unwrap().summary;
    assert_eq!(summary.hash, hash_file(&path, "a.csv").unwrap());
    let now = identity(&path, "a.csv", &SystemClock).unwrap();
    assert_eq!((summary.identity.bytes, summary.identity.inode), (now.bytes, now.inode));
    assert_eq!(summary.identity.modified_ns, now.modified_ns);
    assert_eq!(summary.warnings, ["a.csv: left out what the contract does not name: `b`"]);
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let folder = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(refused(&folder.path().join("missing.csv")), @"missing.csv: there is no such file");
    fs::create_dir(folder.path().join("folder.csv")).unwrap();
    insta::assert_snapshot!(refused(&folder.path().join("folder.csv")), @"folder.csv: is a folder, not a file");
    insta::assert_snapshot!(refused(&file(folder.path(), "plain.csv", &gzipped(b"a\n1\n"))), @r"
    plain.csv: holds gzip data, but its name does not end in `.gz`
    hint: let the file's name end in `.gz`
    ");
}

#[test]
fn damaged_compressed_files_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let text: Vec<u8> = std::iter::once("a\n".to_owned())
        .chain((0..9_999).map(|number| format!("{number}\n")))
        .collect::<String>()
        .into_bytes();
    let whole = gzipped(&text);
    let cut = file(folder.path(), "cut.csv.gz", &whole[..whole.len() / 2]);
    let trailed = file(folder.path(), "trailed.csv.gz", &[&whole[..], b"garbage"].concat());
    let frame = zstd::encode_all(&text[..], 1).unwrap();
    let cut_frame = file(folder.path(), "cut.csv.zst", &frame[..frame.len() / 2]);
    let empty = file(folder.path(), "empty.csv.gz", b"");
    for path in [cut, trailed, cut_frame, empty] {
        let error =
            read_whole(input(&path, contract("a bigint"), ReadOptions::default())).unwrap_err();
        assert!(matches!(error, ReadError::Compression { .. }), "{}: {error:?}", path.display());
    }
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_read_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let rows = "1\n".repeat(10_000);
    let path = file(folder.path(), "a.csv", format!("a\n{rows}").as_bytes());
    let mut input = input(&path, contract("a bigint"), ReadOptions::default());
    input.sizes = ReadSizes { block_bytes: 1_000, ..ReadSizes::default() };
    let mut stream = read(input).await.unwrap();
    stream.try_next().await.unwrap();
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"2\n").unwrap();
    let error = loop {
        match stream.try_next().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the change was not noticed"),
            Err(error) => break error,
        }
    };
    insta::assert_snapshot!(error, @"a.csv: changed while it was read");
    assert_eq!(stream.summary(), None);
}

#[tokio::test]
async fn a_stream_that_is_dropped_stops_reading() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "a.csv", format!("a\n{}", "1\n".repeat(100_000)).as_bytes());
    let mut input = input(&path, contract("a bigint"), ReadOptions::default());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    input.clock = Arc::clone(&clock);
    input.sizes = ReadSizes { block_bytes: 64, ..ReadSizes::default() };
    let mut stream = read(input).await.unwrap();
    stream.try_next().await.unwrap();
    drop(stream);
    tokio::time::timeout(Duration::from_secs(20), async {
        while Arc::strong_count(&clock) > 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::main(flavor = "current_thread")]
async fn inferred(
    texts: &[&str],
    options: ReadOptions,
    declared: &[(&str, ColumnType)],
) -> Result<String, ReadError> {
    let folder = tempfile::tempdir().unwrap();
    let file = |(index, text): (usize, &&str)| {
        let name = format!("{index}.csv");
        InferredFile { path: file(folder.path(), &name, text.as_bytes()), name }
    };
    let files: Vec<InferredFile> = texts.iter().enumerate().map(file).collect();
    let declared: BTreeMap<String, ColumnType> =
        declared.iter().map(|(name, data_type)| ((*name).to_owned(), *data_type)).collect();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let columns = infer(&files, &Arc::new(options), &declared, 2, &clock).await?;
    let told = |rule: &crate::rules::ColumnRule| format!("{} {}", rule.name, rule.data_type);
    Ok(columns.iter().map(told).collect::<Vec<_>>().join(", "))
}

#[test]
fn types_are_found_from_every_value() {
    let plain = ReadOptions::default;
    let text = "id,zip,price,flag,day,at,none,word,big,odd\n\
                1,007,1,true,2024-01-01,2024-01-01,,nan,9223372036854775808,inf\n\
                -2,12,2.5,FALSE,2024-02-29,2024-01-01 10:00:00,,inf,1,1\n";
    insta::assert_snapshot!(inferred(&[text], plain(), &[]).unwrap(), @"id bigint, zip text, price double, flag boolean, day date, at timestamp, none text, word text, big text, odd double");
    let declared = [("ZIP", ColumnType::Integer)];
    insta::assert_snapshot!(inferred(&["id,zip\n1,2\n", "zip,ID\nx,\n"], plain(), &declared).unwrap(), @"id bigint, zip integer");
    insta::assert_snapshot!(inferred(&["id\n1\n", "id\nx\n"], plain(), &[]).unwrap(), @"id text");
    let headless = ReadOptions { header: false, ..plain() };
    insta::assert_snapshot!(inferred(&["1,x\n2,y\n"], headless, &[]).unwrap(), @"column0 bigint, column1 text");
}

#[test]
fn columns_that_cannot_be_told_apart_or_found_are_errors() {
    let plain = ReadOptions::default;
    let duplicate = inferred(&["id,ID\n1,2\n"], plain(), &[]).unwrap_err();
    insta::assert_snapshot!(duplicate, @"0.csv: the header has more than one column called `id` and `ID`");
    let unknown = inferred(&["id,zip\n1,2\n"], plain(), &[("zipp", ColumnType::Text)]).unwrap_err();
    insta::assert_snapshot!(unknown, @"0.csv: types are declared for a column that is not there: `zipp`");
    insta::assert_snapshot!(unknown.hint().unwrap(), @"did you mean `zip`?");
}
