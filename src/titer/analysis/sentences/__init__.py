"""Every sentence that a verdict can print, in English and in Chinese; `docs/concepts/sentences.md` shows them all."""
