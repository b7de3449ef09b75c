//! Content codings, chunk by chunk.

use std::io::{self, Write as _};
use std::mem;

use flate2::write::GzEncoder;

use super::negotiate::Coding;

/// Levels that pay on the fly: a little less small for much less time.
const GZIP_LEVEL: u32 = 5;
const BROTLI_LEVEL: u32 = 4;
const BROTLI_WINDOW: u32 = 20;
const BROTLI_BUFFER_BYTES: usize = 16 << 10;
const ZSTD_LEVEL: i32 = 3;

/// Bytes in, coded bytes out.
pub(super) enum Compressor {
    Identity,
    Gzip(GzEncoder<Vec<u8>>),
    Brotli(Box<brotli::CompressorWriter<Vec<u8>>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Compressor {
    /// # Errors
    /// If there is no memory for the coding's state.
    pub(super) fn new(coding: Coding) -> io::Result<Self> {
        let out = Vec::new();
        Ok(match coding {
            Coding::Identity => Self::Identity,
            Coding::Gzip => Self::Gzip(GzEncoder::new(out, flate2::Compression::new(GZIP_LEVEL))),
            Coding::Brotli => Self::Brotli(Box::new(brotli::CompressorWriter::new(
                out,
                BROTLI_BUFFER_BYTES,
                BROTLI_LEVEL,
                BROTLI_WINDOW,
            ))),
            Coding::Zstd => Self::Zstd(zstd::stream::write::Encoder::new(out, ZSTD_LEVEL)?),
        })
    }

    /// Takes `bytes` in and gives what has come out since the last call, which may be nothing yet.
    pub(super) fn push(&mut self, bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        Ok(match self {
            Self::Identity => bytes,
            Self::Gzip(encoder) => {
                encoder.write_all(&bytes)?;
                mem::take(encoder.get_mut())
            }
            Self::Brotli(encoder) => {
                encoder.write_all(&bytes)?;
                mem::take(encoder.get_mut())
            }
            Self::Zstd(encoder) => {
                encoder.write_all(&bytes)?;
                mem::take(encoder.get_mut())
            }
        })
    }

    /// Ends the coding and gives the last of its bytes.
    pub(super) fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Identity => Ok(Vec::new()),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Brotli(encoder) => Ok(encoder.into_inner()),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn what_comes_out_is_what_went_in() {
        let text = "daily sales, ".repeat(20_000).into_bytes();
        for coding in [Coding::Identity, Coding::Gzip, Coding::Brotli, Coding::Zstd] {
            let mut compressor = Compressor::new(coding).unwrap();
            let mut coded = Vec::new();
            for chunk in text.chunks(10_007) {
                coded.extend(compressor.push(chunk.to_vec()).unwrap());
            }
            coded.extend(compressor.finish().unwrap());
            let mut back = Vec::new();
            match coding {
                Coding::Identity => back.clone_from(&coded),
                Coding::Gzip => {
                    flate2::read::GzDecoder::new(&*coded).read_to_end(&mut back).map(drop).unwrap();
                }
                Coding::Brotli => {
                    let mut decoder = brotli::Decompressor::new(&*coded, 4096);
                    decoder.read_to_end(&mut back).map(drop).unwrap();
                }
                Coding::Zstd => back = zstd::decode_all(&*coded).unwrap(),
            }
            assert_eq!(back, text, "{coding:?}");
            assert!(coding == Coding::Identity || coded.len() < text.len() / 100, "{coding:?}");
        }
    }
}
