//! One metric for each value of a label.

use std::{fmt, marker::PhantomData, sync::Arc};

use prometheus_client::{
    encoding::{EncodeLabel, EncodeLabelSet, EncodeMetric, LabelSetEncoder, MetricEncoder},
    metrics::{MetricType, TypedMetric},
};

/// A label, or several, whose values are all known.
pub(crate) trait Label: EncodeLabelSet + Copy + fmt::Debug + Send + Sync + 'static {
    const COUNT: usize;

    /// All of them, in order of their index.
    fn all() -> impl Iterator<Item = Self>;

    /// The place of this one, from 0.
    fn place(self) -> usize;
}

pub(crate) fn encode(key: &str, value: &str, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
    (key, value).encode(encoder.encode_label())
}

impl<A: Label, B: Label> Label for (A, B) {
    const COUNT: usize = A::COUNT * B::COUNT;

    fn all() -> impl Iterator<Item = Self> {
        A::all().flat_map(|a| B::all().map(move |b| (a, b)))
    }

    fn place(self) -> usize {
        self.0.place() * B::COUNT + self.1.place()
    }
}

/// It replaces the crate's `Family`, which creates its members when they are first used, and finds them by a hash under a
/// lock. Here all members exist from the start, with the value 0, so that a first failure is a step from 0 to 1 and not a
/// new series. They are always in the same order, and are found by an index.
#[derive(Clone, Debug)]
pub(crate) struct Family<L, M> {
    members: Arc<[M]>,
    labels: PhantomData<L>,
}

impl<L: Label, M> Family<L, M> {
    pub(crate) fn new(make: impl Fn() -> M) -> Self {
        Self { members: L::all().map(|_| make()).collect(), labels: PhantomData }
    }

    pub(crate) fn of(&self, label: L) -> &M {
        &self.members[label.place()]
    }
}

impl<L: Label, M: Default> Default for Family<L, M> {
    fn default() -> Self {
        Self::new(M::default)
    }
}

impl<L: Label, M: EncodeMetric + TypedMetric> EncodeMetric for Family<L, M> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        L::all().zip(&*self.members).try_for_each(|(label, member)| member.encode(encoder.encode_family(&label)?))
    }

    fn metric_type(&self) -> MetricType {
        M::TYPE
    }
}
