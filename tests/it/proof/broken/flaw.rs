//! What a store can get wrong.

macro_rules! flaws {
    ($($name:ident)*) => {
        /// One mistake. Its name says what the store does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(in crate::proof) enum Flaw {
            $($name,)*
        }

        impl Flaw {
            pub(super) const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

flaws! {
    // Tokens.
    OneFenceForAll
    FenceShrinks
    FenceKeptOverRelease
    FenceKeptOverTakeover
    FenceStartsAgainAfterForgetting
    RenewalChangesFence
    FenceDrawnBeforeItIsWritten
    // Claimants.
    ClaimantIgnored
    EverybodyIsTheHolder
    ClaimantTrustedWithAnotherPayload
    RepetitionHasAnotherFence
    RepetitionIsATakeover
    RefusedClaimantBecomesTheHolder
    RefusedClaimantIsRefusedForEver
    OldClaimantIsLetIn
    CompletionIsHiddenFromItsClaimant
    // Payloads.
    PayloadIgnoredWhileRunning
    PayloadForgottenByCompletion
    PayloadForgottenByTombstone
    PayloadOverwrittenByRefused
    PayloadKeptOverRelease
    PayloadKeptOverTakeover
    PayloadKeptOverForgetting
    PayloadNotWrittenByTakeover
    // Leases.
    LeaseNeverEnds
    LeaseEndsEarly
    LeaseIsConstant
    LeaseInWholeSeconds
    LeaseIn32Bits
    TakeoverKeepsTheOldLease
    TakeoverIsNotTold
    ReleaseIsTakenForTakeover
    ForgettingIsTakenForTakeover
    WaitIsZero
    WaitIsTheWholeLease
    WaitIsHuge
    WaitIsOfTheClaim
    // Renewals.
    RenewalDoesNothing
    RenewalByAnybody
    RenewalOfUnknownMakesOne
    RenewalRevivesTheReleased
    RenewalUndoesCompletion
    RenewalTakesBack
    RenewalOfLapsedIsRefused
    RenewalAddsUp
    RenewalForgetsItsLength
    RenewalOfAllKeys
    // Completions.
    CompletionByAnybody
    CompletionBySmallerFence
    CompletionByGreaterFence
    CompletionOfUnknownMakesOne
    CompletionOfReleased
    CompletionForgets
    CompletionWritesNothing
    CompletionOfAllKeys
    LateCompletionIsRefused
    RepeatedCompletionIsRefused
    RepeatedCompletionOverwrites
    RepeatedCompletionProlongs
    RepeatedCompletionRefillsTombstone
    // Answers.
    BodyEndsAtNul
    BodyIsText
    BodyIsLost
    BodyOf255Bytes
    TypeIsLost
    TypeIsAscii
    TypeNeedsABody
    StatusIs200
    StatusClassOnly
    TimeIsLost
    TimeIsADouble
    TimeIsUnsigned
    TimeIn32Bits
    OneAnswerForAll
    // Retentions.
    TombstoneKeepsTheBody
    TombstoneLosesStatus
    TombstoneLosesTime
    FullRetentionIgnored
    TombstoneRetentionIgnored
    NothingIsForgotten
    RetentionFromTheClaim
    RetentionIsOneForAll
    RetentionIn32Bits
    DuplicateProlongs
    // Releases.
    ReleaseByAnybody
    ReleaseFreesTheCompleted
    ReleaseFreesTombstones
    ReleaseDoesNothing
    ReleaseOfAllKeys
    ReleaseOfUnknownIsHeld
    RepeatedReleaseIsRefused
    // Keys.
    KeysIgnoreCase
    KeysAreTrimmed
    KeysAreComposed
    KeysAreCut
    KeysAreWithoutConnection
    KeysAreNonces
    // Races: read, then written.
    ClaimIsNotAtomic
    TakeoverIsNotAtomic
    CompletionIsNotAtomic
    RenewalIsNotAtomic
    ReleaseIsNotAtomic
}
