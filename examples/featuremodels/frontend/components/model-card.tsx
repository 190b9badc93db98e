"use client";

import { useState } from "react";
import { useSession } from "@/components/session";
import type { FeatureModel, Result, Task } from "@/lib/api";

const POLL_MS = 400;
const POLLS = 150; // one minute: the worker's own limit for a task

export function ModelCard({ model, onDeleted }: { model: FeatureModel; onDeleted: () => Promise<void> }) {
  const { call } = useSession();
  const [result, setResult] = useState<Result>();
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);

  /** Queues the task, then asks for its state until it has one that lasts. */
  async function analyse() {
    const path = `/feature-models/${model.id}/analysis`;
    const { task_id } = await call<{ task_id: string }>(path, { method: "POST" });
    for (let i = 0; i < POLLS; i++) {
      const task = await call<Task>(`/tasks/${task_id}`);
      if (task.state === "FAILURE") throw new Error(`The analysis failed: ${task.error}`);
      if (task.result) return setResult(task.result);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    throw new Error("No worker has done the analysis within a minute");
  }

  async function remove() {
    if (!window.confirm(`Delete ${model.name}?`)) return;
    await call(`/feature-models/${model.id}`, { method: "DELETE" });
    await onDeleted();
  }

  async function run(action: () => Promise<void>) {
    setBusy(true);
    setError("");
    await action().catch((failure: Error) => setError(failure.message));
    setBusy(false);
  }

  return (
    <li className="card" data-testid="model-row" data-model-name={model.name}>
      <div className="title">
        <h2>{model.name}</h2>
        <time className="muted small" dateTime={model.created_at}>
          {new Date(model.created_at).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" })}
        </time>
        <button data-testid="analyse" className="primary" disabled={busy} aria-label={`Analyse ${model.name}`} onClick={() => run(analyse)}>
          {busy ? "Working …" : "Analyse"}
        </button>
        <button data-testid="model-delete" disabled={busy} aria-label={`Delete ${model.name}`} onClick={() => run(remove)}>
          Delete
        </button>
      </div>
      <p className="error" role="alert">{error}</p>
      <div aria-live="polite">
        {result && (
          <dl data-testid="analysis-result">
            <Figure label="valid configurations" value={BigInt(result.configurations).toLocaleString("en-GB")} />
            <Figure label="features" value={result.features} />
            <Figure label="levels" value={result.depth} />
            <Figure label="constraints" value={result.constraints} />
            {result.void && <p className="error">The constraints contradict each other: no product is valid.</p>}
          </dl>
        )}
      </div>
      <details>
        <summary>Definition</summary>
        <pre>{model.definition}</pre>
      </details>
    </li>
  );
}

function Figure({ label, value }: { label: string; value: string | number }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}
