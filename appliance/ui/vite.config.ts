import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The API a development server speaks to; the built page is served by the API itself.
const api = process.env.VEDETTE_API ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  build: { target: "es2022", cssTarget: ["chrome123", "firefox128", "safari17.5"], assetsInlineLimit: 0, chunkSizeWarningLimit: 1200, modulePreload: { polyfill: false } },
  worker: { format: "es" },
  server: { host: "127.0.0.1", proxy: { "/api": api } },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
