"use client";

import { useState, type FormEvent } from "react";
import { useSession } from "@/components/session";

const EXAMPLE = `features
    Shop
        mandatory
            Catalogue
            Payment
                or
                    Card
                    Invoice
        optional
            Search
            Delivery
                alternative
                    Courier
                    Pickup
constraints
    Invoice => Courier
`;

export function ModelForm({ onCreated }: { onCreated: () => Promise<void> }) {
  const { call } = useSession();
  const [name, setName] = useState("");
  const [definition, setDefinition] = useState(EXAMPLE);
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);

  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setError("");
    try {
      await call("/feature-models/", { method: "POST", body: JSON.stringify({ name, definition }) });
      setName("");
      await onCreated();
    } catch (failure) {
      setError((failure as Error).message);
    }
    setBusy(false);
  }

  return (
    <form className="card" onSubmit={submit} aria-labelledby="form-heading">
      <h2 id="form-heading">New model</h2>
      <label htmlFor="model-name">Name</label>
      <input id="model-name" data-testid="model-name" value={name} maxLength={100} required onChange={(event) => setName(event.target.value)} />
      <label htmlFor="model-definition">Definition</label>
      <textarea id="model-definition" data-testid="model-definition" value={definition} rows={17} spellCheck={false} required
        aria-describedby="definition-help" onChange={(event) => setDefinition(event.target.value)} />
      <p id="definition-help" className="muted small">
        Universal Variability Language: features and groups by indentation, constraints with ! &amp; | =&gt; &lt;=&gt;.
      </p>
      <p className="error" role="alert" data-testid="model-error">{error}</p>
      <button id="model-create" data-testid="model-create" className="primary" disabled={busy}>Create model</button>
    </form>
  );
}
