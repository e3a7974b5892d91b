//! The two formats of a line in the log, as tracing-subscriber writes them. But the request that a line is about is not a
//! span: it is the current one (`request_id.rs`).

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeMap};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

use crate::telemetry::request_id::{self, RequestId};

/// Time, level, request, target, message, and the fields as `name=value`.
pub(super) struct TextLine;

/// The same as one JSON object.
pub(super) struct JsonLine;

impl<S, N> FormatEvent<S, N> for TextLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        SystemTime.format_time(&mut line)?;
        write!(line, " {:>5} ", event.metadata().level())?;
        if let Some(id) = request_id::current() {
            write!(line, "request{{id={id}}}: ")?;
        }
        write!(line, "{}: ", event.metadata().target())?;
        context.format_fields(line.by_ref(), event)?;
        writeln!(line)
    }
}

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let json = Json {
            timestamp,
            level: event.metadata().level().as_str(),
            fields: Fields(event),
            target: event.metadata().target(),
            span: request_id::current().map(|id| Request { id, name: "request" }),
        };
        writeln!(line, "{}", serde_json::to_string(&json).map_err(|_| fmt::Error)?)
    }
}

#[derive(Serialize)]
struct Json<'a> {
    timestamp: String,
    level: &'static str,
    #[serde(flatten)]
    fields: Fields<'a>,
    target: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    span: Option<Request>,
}

#[derive(Serialize)]
struct Request {
    #[serde(serialize_with = "as_text")]
    id: RequestId,
    name: &'static str,
}

/// The message and the other fields of an event.
struct Fields<'a>(&'a Event<'a>);

/// Writes fields until one fails.
struct Recorder<M: SerializeMap> {
    map: M,
    result: Result<(), M::Error>,
}

fn as_text<S: Serializer>(id: &RequestId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut recorder = Recorder { map: serializer.serialize_map(None)?, result: Ok(()) };
        self.0.record(&mut recorder);
        recorder.result?;
        recorder.map.end()
    }
}

impl<M: SerializeMap> Recorder<M> {
    fn write(&mut self, field: &Field, value: &(impl Serialize + ?Sized)) {
        if self.result.is_ok() {
            self.result = self.map.serialize_entry(field.name(), value);
        }
    }
}

impl<M: SerializeMap> Visit for Recorder<M> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.write(field, &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.write(field, &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.write(field, &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.write(field, &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.write(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.write(field, &format_args!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Write},
        sync::{Arc, Mutex},
    };

    use tracing_subscriber::{Layer, Registry, fmt::layer, layer::SubscriberExt};

    use super::*;
    use crate::telemetry::{RequestIds, in_request_sync};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("nothing panicked").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What a layer writes while `work` runs, without the times, which come first.
    fn lines<L: Layer<Registry> + Send + Sync>(layer: impl FnOnce(Lines) -> L, work: impl FnOnce()) -> Vec<String> {
        let lines = Lines::default();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer(lines.clone())), work);
        let text = String::from_utf8(lines.0.lock().expect("nothing panicked").clone()).expect("text");
        text.lines().map(|line| line.split_once('Z').expect("a time").1.to_owned()).collect()
    }

    fn log() {
        let error: &dyn std::error::Error = &io::Error::other("an \"error\"");
        tracing::info!(
            text = "a \"b\"\n\u{1b}[1m",
            number = -1,
            size = 7_u64,
            yes = true,
            ms = 0.5,
            nothing = None::<u8>,
            "done"
        );
        tracing::error!(shown = %"a b", listed = ?["a", "b"], error, r#type = f64::NAN, large = u128::MAX, "{}", "it \u{7} failed");
        tracing::warn!(target: "another", only = "a field");
        tracing::debug!("");
    }

    #[test]
    fn lines_are_those_of_tracing_subscriber_in_a_span_of_the_request() {
        let id = RequestIds::starting_at(7).next();
        let in_span = || tracing::error_span!("request", %id).in_scope(log);
        let in_request = || in_request_sync(id, log);
        let theirs = |lines: Lines| layer().with_ansi(false).with_writer(move || lines.clone());
        let ours = |lines: Lines| layer().with_ansi(false).with_writer(move || lines.clone());
        let their_json = |lines| theirs(lines).json().flatten_event(true).with_span_list(false);

        let text = lines(theirs, in_span);
        assert!(text.len() > 3 && text[0].contains(&format!(" request{{id={id}}}: ")), "{text:?}");
        assert_eq!(lines(|lines| ours(lines).event_format(TextLine), in_request), text);
        assert_eq!(lines(|lines| ours(lines).event_format(TextLine), log), lines(theirs, log));

        let json = lines(their_json, in_span);
        assert!(json.len() > 3 && json[0].contains(&format!("\"span\":{{\"id\":\"{id}\"")), "{json:?}");
        assert_eq!(lines(|lines| ours(lines).event_format(JsonLine), in_request), json);
        assert_eq!(lines(|lines| ours(lines).event_format(JsonLine), log), lines(their_json, log));
    }
}
