"use client";

import { useState, type FormEvent } from "react";
import { useSession } from "@/components/session";

export default function LoginPage() {
  const { token, login } = useSession();
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setError("");
    try {
      await login(String(form.get("email")), String(form.get("password")));
    } catch (failure) {
      setError((failure as Error).message);
      setBusy(false);
    }
  }

  return (
    <main className="login">
      <form className="card" onSubmit={submit} method="post">
        <img src="/icon.svg" alt="" width={44} height={44} />
        <h1>FeatureModels</h1>
        <p className="muted">Log in to see and analyse your feature models.</p>
        <label htmlFor="login-email">Email</label>
        <input id="login-email" data-testid="login-email" name="email" type="email" autoComplete="username" required autoFocus />
        <label htmlFor="login-password">Password</label>
        <input id="login-password" data-testid="login-password" name="password" type="password" autoComplete="current-password" required />
        <p className="error" role="alert" data-testid="login-error">{error}</p>
        {/* Not before the page is alive: the browser would send the form by itself. */}
        <button id="login-submit" data-testid="login-submit" className="primary" disabled={busy || token === undefined}>
          {busy ? "Logging in …" : "Log in"}
        </button>
      </form>
    </main>
  );
}
