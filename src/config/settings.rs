//! Every setting there is.

/// One setting, as documented and as parsed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// With a dot between section and key.
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    /// As it would be written; empty where it depends on the machine.
    pub(crate) default: &'static str,
}

impl Setting {
    /// What overrides it in the environment: `CLEARWELL_SERVER_BIND` for `server.bind`.
    pub(crate) fn variable(&self) -> String {
        format!("CLEARWELL_{}", self.name.to_uppercase().replace('.', "_"))
    }
}

pub(crate) const SETTINGS: &[Setting] = &[
    Setting {
        name: "warehouse",
        help: "where the tables are kept, relative to the folder of clearwell.toml",
        default: "warehouse",
    },
    Setting {
        name: "memory_limit",
        help: "how much memory queries and loading may take together; what does not fit spills to disk or is refused",
        default: "512MiB",
    },
    Setting {
        name: "threads",
        help: "how many cores to use; all of them where not set",
        default: "",
    },
    Setting {
        name: "server.bind",
        help: "the address on which `serve` answers",
        default: "127.0.0.1:5000",
    },
    Setting {
        name: "auth.required",
        help: "whether the API asks for credentials; false is possible where the server cannot be reached from elsewhere",
        default: "true",
    },
    Setting {
        name: "auth.jwks",
        help: "a JSON Web Key Set whose keys sign tokens, read again when it changes; where not set, a key of the project's own in .clearwell/",
        default: "",
    },
    Setting {
        name: "auth.make_key",
        help: "whether `serve` makes a key where the file of auth.jwks does not exist",
        default: "false",
    },
    Setting {
        name: "auth.users",
        help: "the file of users that `clearwell user` writes",
        default: ".clearwell/users.toml",
    },
    Setting {
        name: "auth.issuer",
        help: "what tokens must have as `iss`; anything where not set",
        default: "",
    },
    Setting {
        name: "auth.audience",
        help: "what tokens must have in `aud`; where not set, tokens must have no `aud`",
        default: "",
    },
    Setting {
        name: "auth.clock_skew_seconds",
        help: "by how much the clock of whoever makes tokens may differ from ours",
        default: "60",
    },
    Setting {
        name: "auth.token_seconds",
        help: "for how long tokens of POST /api/v1/token are valid",
        default: "3600",
    },
    Setting {
        name: "server.trusted_proxies",
        help: "addresses and networks (10.0.0.0/8), apart by commas, whose word about clients is believed: Forwarded, X-Forwarded-For",
        default: "",
    },
    Setting {
        name: "server.cors_origins",
        help: "origins, apart by commas, whose scripts may ask; `*` is all",
        default: "",
    },
    Setting {
        name: "server.tls_certificate",
        help: "a PEM file with the certificate chain; with it the server speaks HTTPS",
        default: "",
    },
    Setting {
        name: "server.tls_key",
        help: "the PEM file with the certificate's key",
        default: "",
    },
    Setting {
        name: "server.log",
        help: "how requests are logged, a line each on standard error: off, text or json",
        default: "off",
    },
    Setting {
        name: "server.query",
        help: "whether clients with the scope `query` may send queries of their own",
        default: "false",
    },
    Setting {
        name: "limits.requests_per_second",
        help: "how often one principal may ask; 0 is as often as it likes; where not set, 1000 if others can reach the server",
        default: "",
    },
    Setting {
        name: "limits.burst",
        help: "how many requests of one principal may come at once; where not set, 5 times as many as in a second",
        default: "",
    },
    Setting {
        name: "limits.address_requests_per_second",
        help: "as limits.requests_per_second, for one address, before it says who asks",
        default: "",
    },
    Setting { name: "limits.address_burst", help: "as limits.burst, for one address", default: "" },
    Setting { name: "limits.request_seconds", help: "how long a request may take", default: "30" },
    Setting {
        name: "limits.head_seconds",
        help: "how long a client may take to send a request's head",
        default: "15",
    },
    Setting {
        name: "limits.write_seconds",
        help: "how long a client may take nothing of its answer",
        default: "30",
    },
    Setting {
        name: "limits.head_bytes",
        help: "how large a request's head may be",
        default: "64KiB",
    },
    Setting {
        name: "limits.target_bytes",
        help: "how long path and query string may be",
        default: "16KiB",
    },
    Setting {
        name: "limits.body_bytes",
        help: "how large a request's body may be",
        default: "1MiB",
    },
    Setting {
        name: "limits.connections",
        help: "how many connections may be open; further ones wait",
        default: "1024",
    },
    Setting {
        name: "limits.address_connections",
        help: "how many connections one address may have open, trusted proxies aside; further ones are closed; 0 is as many as it likes; where not set, a quarter of limits.connections if others can reach the server",
        default: "",
    },
    Setting {
        name: "limits.queries",
        help: "how many queries of endpoints, and how many of clients' own, may run at once; further ones wait",
        default: "64",
    },
    Setting {
        name: "limits.queries_waiting",
        help: "how many queries of each kind may wait; further ones are refused",
        default: "1024",
    },
    Setting {
        name: "server.answer_cache",
        help: "how much memory encoded answers may take, so that the same question is answered at once; 0 keeps none",
        default: "64MiB",
    },
    Setting {
        name: "server.row_cache",
        help: "how much memory the rows of endpoints may take, so that a question costs its conditions alone; 0 keeps none",
        default: "256MiB",
    },
];
