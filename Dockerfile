# Built by hand, not in the tests: docker build -t hcsync .
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --release --locked

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 hcsync
COPY --from=build /src/target/release/hcsync /usr/local/bin/hcsync
USER hcsync
# Runs, journals and locks: keep it on a volume, or a crashed run cannot be resumed.
ENV HCSYNC_STATE_DIR=/home/hcsync/state
VOLUME /home/hcsync/state
ENTRYPOINT ["hcsync"]
