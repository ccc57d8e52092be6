//! The HTTP client of the sending wing.

mod answer;
mod body;
mod builder;
mod connector;
mod error;
mod roots;
mod service;

pub use self::answer::{Answer, AnswerLimits, read_answer};
pub use self::body::AnswerBody;
pub use self::builder::HttpClientBuilder;
pub use self::error::ClientError;
pub use self::service::{HttpClient, ResponseFuture};
