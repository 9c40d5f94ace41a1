// Shapes of the settings about the access of clients. Only shapes.

/** How much a client may send us in one request. */
export interface HttpLimits {
  /** Request line and headers. */
  readonly headBytesMax: number;
  readonly headersMax: number;
  readonly bodyBytesMax: number;
}

/** How much one request about a user may bring. */
export interface UserLimits {
  readonly bodyBytesMax: number;
  readonly userIdBytesMax: number;
  /** Also of event tags, forced decisions, and what an ODP event holds. */
  readonly attributesMax: number;
  /** Keys in the query of one request. */
  readonly keysMax: number;
}

export interface AnswerLimits {
  /** Of one answer, that of a batch included. */
  readonly bytesMax: number;
  /** Of all answers of a process that are being made or have not been taken by their clients; small ones do not count. */
  readonly inFlightBytesMax: number;
}

/** Of all ports. */
export interface ServerSettings extends HttpLimits {
  /** For a request to arrive in full. */
  readonly readTimeoutMs: number;
  /** For an answer to be taken by its client. */
  readonly writeTimeoutMs: number;
  /** The answer of /health is also at every path that ends so, in any case. */
  readonly healthCheckPath: string;
  /** Hosts that requests may name, lower case, `.example.com` for all below; null: any. */
  readonly allowedHosts: readonly string[] | null;
  /** Requests may also name any address; where the agent listens on all of them and no hosts were chosen. */
  readonly allowAnyIp: boolean;
  /** Addresses and networks whose X-Forwarded-Host and Forwarded count in place of Host. */
  readonly trustedProxies: readonly string[];
  readonly tls: TlsSettings | null;
}

export interface TlsSettings {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
  /** OpenSSL's names of what is not to be used. */
  readonly disabledCiphers: readonly string[];
}

export interface CorsSettings {
  /** Exact origins, with one `*` as a wildcard; `*` alone: all. */
  readonly allowedOrigins: readonly string[];
  readonly allowedMethods: readonly string[];
  /** Lower case; `*`: all that a page asks for. Null where the operator chose none: each route has its own. */
  readonly allowedHeaders: readonly string[] | null;
  /** Null as above. */
  readonly exposedHeaders: readonly string[] | null;
  readonly allowCredentials: boolean;
  /** How long a browser may remember an answer; 0: not said. */
  readonly maxAgeS: number;
}

/** Of one port. Either tokens are issued and checked with own secrets, or those of an issuer are checked with its keys. */
export interface AuthSettings {
  readonly clients: readonly AuthClient[];
  /** The first signs; all check, so that secrets can be changed without a gap. */
  readonly hmacSecrets: readonly Uint8Array[];
  /** Of issued tokens. */
  readonly ttlMs: number;
  readonly jwksUrl: string | null;
  /** How long keys are remembered. */
  readonly jwksUpdateIntervalMs: number;
}

export interface AuthClient {
  readonly id: string;
  /** A bcrypt hash in its usual form. */
  readonly secretHash: string;
  /** What an issued token may ask for on the API port. */
  readonly sdkKeys: readonly string[];
}
