import type { Metadata } from "next";
import { connection } from "next/server";
import type { ReactNode } from "react";
import { SessionProvider } from "@/components/session";
import "./globals.css";

export const metadata: Metadata = {
  title: "FeatureModels",
  description: "Describe product lines as feature models and analyse them",
};

export default async function Layout({ children }: { children: ReactNode }) {
  await connection(); // at request time: the same image serves every environment
  const apiUrl = (process.env.API_URL ?? "http://localhost:8000").replace(/\/+$/, "");
  return (
    <html lang="en">
      <body>
        <SessionProvider apiUrl={apiUrl}>{children}</SessionProvider>
      </body>
    </html>
  );
}
