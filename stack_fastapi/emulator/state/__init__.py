"""What an emulator holds, and the rules that its users, teams, sessions and keys obey. No HTTP."""
