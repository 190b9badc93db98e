"use client";

import { useRouter } from "next/navigation";
import { useCallback, useEffect, useState } from "react";
import { ModelCard } from "@/components/model-card";
import { ModelForm } from "@/components/model-form";
import { useSession } from "@/components/session";
import type { FeatureModel } from "@/lib/api";

export default function ModelsPage() {
  const { token, call, logout } = useSession();
  const router = useRouter();
  const [models, setModels] = useState<FeatureModel[]>();
  const [user, setUser] = useState("");
  const [error, setError] = useState("");

  const load = useCallback(async () => {
    try {
      const [me, list] = await Promise.all([
        call<{ email: string }>("/users/me"),
        call<{ data: FeatureModel[] }>("/feature-models/"),
      ]);
      setUser(me.email);
      setModels(list.data);
      setError("");
    } catch (failure) {
      setError((failure as Error).message);
    }
  }, [call]);

  useEffect(() => {
    if (token === null) router.replace("/login");
    else if (token) load();
  }, [token, load, router]);

  if (!token) return null;
  return (
    <>
      <header>
        <img src="/icon.svg" alt="" width={28} height={28} />
        <strong>FeatureModels</strong>
        <span className="muted" data-testid="user-email">{user}</span>
        <button data-testid="logout" onClick={logout}>Log out</button>
      </header>
      <main className="columns">
        <section aria-labelledby="models-heading">
          <h1 id="models-heading">
            Feature models {models && <span className="count" data-testid="model-count">{models.length}</span>}
          </h1>
          <p className="error" role="alert">{error}</p>
          {models?.length === 0 && <p className="card muted">There are no models yet. Create the first one with the form.</p>}
          <ul>
            {models?.map((model) => (
              <ModelCard key={model.id} model={model} onDeleted={load} />
            ))}
          </ul>
        </section>
        <ModelForm onCreated={load} />
      </main>
    </>
  );
}
