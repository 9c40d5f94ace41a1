// Tells whether a trusted key has signed a manifest or a head, and signs what this process writes. Knows keys, not where they
// are kept; signed-record.ts decides what an untrusted manifest means.

import type { EnvelopeHead } from '../../core/bus/envelope.ts';
import type { SdkKey } from '../../core/ids.ts';
import type { Manifest } from '../../core/record/manifest.ts';
import { KeyRing, keyIdOf, sealManifest } from '../../core/record/signature.ts';
import type { PublicKey, SigningKey } from '../../core/record/signing-keys.ts';
import type { Signer } from '../ports.ts';
import type { CachedSecret } from '../settings/refreshing-secret.ts';

export class Seals implements Signer {
  readonly #signing: CachedSecret<SigningKey> | null;
  readonly #trusted: readonly PublicKey[];
  #ring: { readonly own: SigningKey | null; readonly ring: KeyRing } | null = null;

  /**
   * @param signing the key that signs; null where this function only checks
   * @param trusted further keys whose signatures count
   */
  constructor(signing: CachedSecret<SigningKey> | null, trusted: readonly PublicKey[]) {
    this.#signing = signing;
    this.#trusted = trusted;
  }

  /** @throws FanoutError SECRET_UNAVAILABLE: without its key a publisher cannot tell that a manifest is not to be trusted */
  trusts(manifest: Manifest): Promise<boolean> {
    return this.#judged((ring) => ring.sealed(manifest));
  }

  /** @throws FanoutError SECRET_UNAVAILABLE */
  trustsHead(sdkKey: SdkKey, head: EnvelopeHead): Promise<boolean> {
    const { signature } = head;
    if (signature === undefined) return Promise.resolve(false);
    return this.#judged((ring) => ring.signed({ ...head, sdkKey }, signature));
  }

  /** @throws FanoutError SECRET_UNAVAILABLE */
  async sign(manifest: Manifest): Promise<Manifest> {
    return sealManifest(manifest, await this.#key('get'));
  }

  async isCurrent({ signature }: Manifest): Promise<boolean> {
    const claimed = keyIdOf(signature);
    if ((await this.#key('get')).keyId === claimed) return true;
    // A claimed key that is unknown here may be the newer one, of which this process has not heard yet.
    return (await this.#key('refresh')).keyId === claimed;
  }

  /** A signature that does not fit may be of a key that replaced ours a moment ago. */
  async #judged(judge: (ring: KeyRing) => boolean): Promise<boolean> {
    if (judge(this.#ringOf((await this.#signing?.get()) ?? null))) return true;
    return this.#signing !== null && judge(this.#ringOf(await this.#signing.refresh()));
  }

  #ringOf(own: SigningKey | null): KeyRing {
    if (this.#ring === null || this.#ring.own !== own) {
      const keys = own === null ? this.#trusted : [own.publicKey, ...this.#trusted];
      this.#ring = { own, ring: new KeyRing(keys) };
    }
    return this.#ring.ring;
  }

  #key(how: 'get' | 'refresh'): Promise<SigningKey> {
    if (this.#signing === null) throw new Error('this function has no key to sign with');
    return this.#signing[how]();
  }
}
