//! One module a target. Each has one public function, its body.

mod differential;
mod envelope;
mod forwarded;
mod key;
mod rfc9421;
mod schemes;
mod signatures;
mod stack;
mod timestamp;

pub use self::differential::differential;
pub use self::envelope::envelope;
pub use self::forwarded::forwarded;
pub use self::key::key;
pub use self::rfc9421::rfc9421;
pub use self::schemes::schemes;
pub use self::signatures::signatures;
pub use self::stack::stack;
pub use self::timestamp::timestamp;
