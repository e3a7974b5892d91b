FROM docker.io/library/rust:1-bookworm AS build
WORKDIR /build

# The dependencies alone, over empty sources: built again only when the lock file or a manifest changes. Cargo wants
# every target that a manifest names to be there, and the benchmarks are named.
COPY .cargo .cargo
COPY Cargo.toml Cargo.lock ./
COPY crates/standin/Cargo.toml crates/standin/
COPY tests/browser/Cargo.toml tests/browser/
COPY benches benches
RUN mkdir -p src crates/standin/src tests/browser/src \
    && touch src/lib.rs crates/standin/src/lib.rs tests/browser/src/lib.rs \
    && echo 'fn main() {}' > src/main.rs \
    && cargo build --release --locked

COPY src src
COPY crates crates
COPY templates templates
COPY static static
# Copied files may be older than the empty ones they replace, and cargo goes by the newer time.
RUN touch src/lib.rs src/main.rs crates/standin/src/lib.rs && cargo build --release --locked

FROM docker.io/library/debian:bookworm-slim
# Without CA certificates the program cannot start: every call to VideoAsk is https.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 videoask-auth \
    && useradd --uid 10001 --gid 10001 --home-dir /data --shell /usr/sbin/nologin videoask-auth \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data
COPY --from=build /build/target/release/videoask-auth /usr/local/bin/

ENV HOST=0.0.0.0 STORE_URL=sqlite:///data/videoask-auth.db
# The allocator gives memory back as soon as it is free, such as that of connections that have closed.
ENV MIMALLOC_PURGE_DELAY=0
WORKDIR /data
# By number, so that an orchestrator can see that it is not root.
USER 10001:10001
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s CMD ["videoask-auth", "healthcheck"]
ENTRYPOINT ["videoask-auth"]
CMD ["serve"]
