//! Reads a request's body, up to a limit.

use axum::body::{Body, Bytes};
use bytes::BytesMut;
use futures_util::StreamExt as _;

/// A body that was read to its end.
pub(super) enum Gathered {
    Whole(Bytes),
    TooLarge,
}

/// The caller ended the connection before its request was whole.
pub(super) struct HungUp;

/// Reads a body of up to `most` bytes. A larger one is read to its end and thrown away: a caller who is still sending
/// would not see the answer.
pub(super) async fn gather(body: Body, most: u64) -> Result<Gathered, HungUp> {
    let mut pieces = body.into_data_stream();
    let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
    let mut size = 0_u64;
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| HungUp)?;
        size += piece.len() as u64;
        if size > most {
            (first, rest) = (Bytes::new(), BytesMut::new());
            // nobody means well who sends so much more
            if size > most.saturating_mul(32).max(1 << 30) {
                return Err(HungUp);
            }
        } else if first.is_empty() {
            first = piece;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&piece);
        }
    }
    if size > most {
        return Ok(Gathered::TooLarge);
    }
    Ok(Gathered::Whole(if rest.is_empty() { first } else { rest.freeze() }))
}
