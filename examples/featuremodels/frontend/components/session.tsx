"use client";

import { useRouter } from "next/navigation";
import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from "react";
import { ApiError, request } from "@/lib/api";

type Session = {
  /** null: logged out; undefined: not known yet, the first render has no access to the storage */
  token: string | null | undefined;
  login: (email: string, password: string) => Promise<void>;
  logout: () => void;
  call: <T>(path: string, init?: RequestInit) => Promise<T>;
};

const Context = createContext<Session | null>(null);
const KEY = "featuremodels-token"; // sessionStorage: gone when the tab is closed

export function SessionProvider({ apiUrl, children }: { apiUrl: string; children: ReactNode }) {
  const router = useRouter();
  const [token, setToken] = useState<string | null>();

  useEffect(() => setToken(sessionStorage.getItem(KEY)), []);

  const logout = useCallback(() => {
    sessionStorage.removeItem(KEY);
    setToken(null);
    router.push("/login");
  }, [router]);

  const login = useCallback(
    async (email: string, password: string) => {
      const body = new URLSearchParams({ username: email, password });
      const url = `${apiUrl}/api/v1/login/access-token`;
      const { access_token } = await request<{ access_token: string }>(url, null, { method: "POST", body });
      sessionStorage.setItem(KEY, access_token);
      setToken(access_token);
      router.push("/");
    },
    [apiUrl, router],
  );

  const call = useCallback(
    async <T,>(path: string, init?: RequestInit) => {
      try {
        return await request<T>(`${apiUrl}/api/v1${path}`, token ?? null, init);
      } catch (error) {
        if (error instanceof ApiError && error.status === 401) logout();
        throw error;
      }
    },
    [apiUrl, token, logout],
  );

  const session = useMemo(() => ({ token, login, logout, call }), [token, login, logout, call]);
  return <Context.Provider value={session}>{children}</Context.Provider>;
}

export function useSession(): Session {
  const session = useContext(Context);
  if (!session) throw new Error("useSession needs a SessionProvider above it");
  return session;
}
