# The program with the bundled project: `docker run -v clearwell:/warehouse -p 5000:5000 clearwell build`, then without
# `build` to serve. Mount another project over /project.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /source
COPY Cargo.toml Cargo.lock ./
COPY src src
COPY benches benches
COPY tests/it tests/it
COPY sql sql
COPY data data
RUN cargo build --release --locked --bin clearwell \
    && strip target/release/clearwell \
    && mkdir /empty

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /source/target/release/clearwell /usr/local/bin/clearwell
COPY clearwell.toml /project/
COPY sql /project/sql
COPY data /project/data
# Owned by the user that runs it, and so a volume made from it.
COPY --from=build --chown=nonroot:nonroot /empty /warehouse
# Others reach a container, so it needs a key that stays: `docker run … clearwell token` makes tokens with it.
ENV CLEARWELL_WAREHOUSE=/warehouse \
    CLEARWELL_AUTH_JWKS=/warehouse/.clearwell/keys.json \
    CLEARWELL_AUTH_MAKE_KEY=true \
    CLEARWELL_AUTH_USERS=/warehouse/.clearwell/users.toml
VOLUME /warehouse
WORKDIR /project
EXPOSE 5000
USER nonroot
ENTRYPOINT ["clearwell"]
CMD ["serve", "--bind", "0.0.0.0:5000"]
