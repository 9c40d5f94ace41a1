// Which project a webhook belongs to, and whether that project signed it. Until the signature is verified the answer says nothing
// about the body, except that the project is not configured here. Pure.

import { FanoutError } from '../../core/errors.ts';
import type { Project, ProjectTable } from '../../core/projects.ts';
import { claimedProjectId, parseWebhook, verifySignature, type WebhookEvent } from '../../core/webhook.ts';

export interface Authentic {
  readonly kind: 'authentic';
  readonly event: WebhookEvent;
  readonly project: Project;
}

export type Authenticated = Authentic | { readonly kind: 'unknown-project'; readonly projectId: string };

/** @throws FanoutError SIGNATURE_MISSING, SIGNATURE_INVALID, WEBHOOK_INVALID (only when the signature is right) */
export function authenticate(projects: ProjectTable, rawBody: Uint8Array, signature: string): Authenticated {
  const projectId = claimedProjectId(rawBody);
  const project = projectId === null ? undefined : projects.get(projectId);
  // Without a secret for the project there is nothing to verify, and nothing is done.
  // The answer tells which projects are configured here, which is no secret: every datafile names its project, and its SDK key is public.
  if (projectId !== null && project === undefined) return { kind: 'unknown-project', projectId };
  if (signature === '') throw signatureMissing();
  // A body that names no project can still be signed by one of ours: then it is malformed rather than forged.
  const secrets = project?.secrets ?? [...projects.values()].flatMap((known) => known.secrets);
  if (!verifySignature(rawBody, signature, secrets)) throw signatureInvalid(projectId);
  const event = parseWebhook(rawBody);
  // parseWebhook() read the same project id, or threw.
  return { kind: 'authentic', event, project: project as Project };
}

const signatureMissing = () =>
  new FanoutError({
    code: 'SIGNATURE_MISSING',
    message: 'The webhook carries no X-Hub-Signature',
    remedy: 'Only app.optimizely.com should call this URL; it signs what it sends.',
    retryable: false,
  });

const signatureInvalid = (projectId: string | null) =>
  new FanoutError({
    code: 'SIGNATURE_INVALID',
    message: 'The X-Hub-Signature of the webhook is not that of any configured secret',
    remedy:
      "Compare the project's configured secrets with the webhook's in the app; during a rotation list both.",
    retryable: false,
    fields: { projectId },
  });
