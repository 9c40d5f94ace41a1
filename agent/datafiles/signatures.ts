// Whether a datafile is what the publisher signed, asked at the one gate and for the bus's heads. Keeps what was refused, for
// /health. Knows no source; a signature says nothing of what is in a datafile.

import { FanoutError } from '../../core/errors.ts';
import type { SdkKey } from '../../core/ids.ts';
import { KeyRing, type Statement } from '../../core/record/signature.ts';
import { parsePublicKey } from '../../core/record/signing-keys.ts';
import { isLater, isSameLineage } from '../../core/version.ts';
import type { SigningSettings } from '../config/types.ts';
import type { CandidateMeta, DatafileMeta, OfferOutcome, SourceName } from './sources/source.ts';

/** Verdicts kept: each version is judged by the gate twice, and as the bus's head; each other worker has its own. */
const VERDICTS_MAX = 256;

/** Something refused for its signature, until the key has a good datafile again. */
export interface SignatureRefusal {
  readonly sdkKey: SdkKey;
  readonly source: SourceName;
  readonly code: string;
  readonly lineage: string;
  readonly seq: number;
  readonly atMs: number;
}

/** For /health; absent where signatures are not checked. */
export interface SignatureReport {
  readonly mode: SigningSettings['mode'];
  readonly keyIds: readonly string[];
  /** The last one of each key. */
  readonly refused: readonly SignatureRefusal[];
}

type Signed = Statement & Pick<DatafileMeta, 'signature'>;

export class Signatures {
  readonly #mode: SigningSettings['mode'];
  readonly #ring: KeyRing;
  /** Whether a signature is good for a version. */
  readonly #verdicts = new Map<string, boolean>();
  readonly #refused = new Map<SdkKey, SignatureRefusal>();

  /** @throws FanoutError CONFIG_INVALID; not for settings that were checked */
  constructor({ mode, keys }: SigningSettings) {
    this.#mode = mode;
    this.#ring = new KeyRing(keys.map(parsePublicKey));
  }

  get required(): boolean {
    return this.#mode === 'required';
  }

  /** Why the candidate may not replace `held`; null when nothing speaks against it. */
  refusal(candidate: CandidateMeta, held: DatafileMeta | null): FanoutError | null {
    if (this.#mode === 'off') return null;
    const { signature, fromRecord } = candidate;
    if (signature === undefined) return this.required ? unsigned(candidate) : null;
    if (!this.#isGood(candidate)) return untrusted(candidate);
    // For a hint the store asks the record. A record's lineages have an order, and signatures of old ones are still good.
    if (!fromRecord || held?.signature === undefined || isSameLineage(candidate, held)) return null;
    return isLater(candidate, held) ? null : replayed(candidate);
  }

  /** Whether a head of the bus says anything: one that the gate would refuse does not. */
  trusts(head: Signed): boolean {
    if (this.#mode === 'off') return true;
    return head.signature === undefined ? !this.required : this.#isGood(head);
  }

  /** Takes note of the outcome of a candidate: a refusal stands until a good datafile comes, or the one that is served comes again. */
  judged(candidate: CandidateMeta, outcome: OfferOutcome, atMs: number): void {
    const { sdkKey, source, lineage, seq, fromHistory } = candidate;
    // It was asked for because the head was refused, which stands.
    if (fromHistory) return;
    if (outcome.kind === 'rejected' && isSignatureCode(outcome.code))
      this.#refused.set(sdkKey, { sdkKey, source, code: outcome.code, lineage, seq, atMs });
    const isSame = outcome.kind === 'ignored' && outcome.reason === 'same' && this.trusts(candidate);
    if (outcome.kind === 'accepted' || isSame) this.forgetRefused(sdkKey);
  }

  /** The key is not served any more. */
  forgetRefused(sdkKey: SdkKey): void {
    this.#refused.delete(sdkKey);
  }

  report(): SignatureReport | null {
    if (this.#mode === 'off') return null;
    return { mode: this.#mode, keyIds: this.#ring.keyIds, refused: [...this.#refused.values()] };
  }

  #isGood(signed: Signed): boolean {
    const { sdkKey, lineage, seq, revision, sha256, signature = '' } = signed;
    const id = [sdkKey, lineage, seq, revision, sha256, signature].join(' ');
    const known = this.#verdicts.get(id);
    if (known !== undefined) return known;
    const isGood = this.#ring.signed(signed, signature);
    if (this.#verdicts.size >= VERDICTS_MAX) {
      const [oldest] = this.#verdicts.keys();
      this.#verdicts.delete(oldest as string);
    }
    this.#verdicts.set(id, isGood);
    return isGood;
  }
}

/** Refused for good: the same bytes with the same signature would be refused again. */
export const isSignatureCode = (code: string): boolean => code.startsWith('SIGNATURE_');

const KEPT = 'The last good datafile stays in use.';

const unsigned = ({ sdkKey, seq, source }: CandidateMeta) =>
  new FanoutError({
    code: 'SIGNATURE_REQUIRED',
    message:
      source === 'cdn'
        ? `The CDN's datafile of ${sdkKey} carries no signature`
        : `Seq ${seq} of ${sdkKey} from ${source} is not signed`,
    remedy: `${KEPT} See that the publisher signs (FANOUT_SIGNING_SECRET); while it begins to, FANOUT_SIGNATURES=checked.`,
    retryable: false,
    fields: { sdkKey, seq },
  });

const untrusted = ({ sdkKey, seq, source }: CandidateMeta) =>
  new FanoutError({
    code: 'SIGNATURE_UNTRUSTED',
    message: `No trusted key has signed seq ${seq} of ${sdkKey} from ${source} as it is`,
    remedy: `${KEPT} Compare FANOUT_SIGNING_PUBLIC_KEYS with the publisher's key; if they agree, a stranger writes to ${source}.`,
    retryable: false,
    fields: { sdkKey, seq },
  });

const replayed = ({ sdkKey, seq, lineage, source }: CandidateMeta) =>
  new FanoutError({
    code: 'SIGNATURE_REPLAYED',
    message: `Seq ${seq} of ${sdkKey} from ${source} is of lineage ${lineage}, which began before the one that is served`,
    remedy: `${KEPT} An old manifest was put back; the publisher's reconcile begins a new lineage within a minute.`,
    retryable: false,
    fields: { sdkKey, seq },
  });
