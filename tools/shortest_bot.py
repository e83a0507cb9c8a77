"""The shortest honest discord.py bot for the same job, as the benchmark's baseline: defer, fetch, decode, edit."""

import asyncio
import json
import os

import aiohttp
import discord
from discord import app_commands


class ShortestBot(discord.Client):
    """Has no validation, no escaping, no limits, no retries, no pages, no languages, no metrics and no log."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        super().__init__(intents=discord.Intents(guilds=True))
        self.tree = app_commands.CommandTree(self)

        @self.tree.command()
        @app_commands.rename(order_id="order-id")
        async def mydownloads(interaction: discord.Interaction, order_id: str) -> None:
            """Get your downloads."""
            await interaction.response.defer(ephemeral=True, thinking=True)
            url = f"{os.environ['FILEFLARE_BASE_URL']}/api/v2/customer-account-orders"
            async with session.get(url, params={"id": order_id}) as response:
                answer = json.loads(await response.read())
            order = answer["order"]
            embed = discord.Embed(title=answer["text"]["title"], description=f"Order #{order['order_number']}")
            view = discord.ui.View(timeout=None)
            for item in [*(item for line in order["lines"] for item in line["assets"]), *order["assets"]]:
                limits, data = item["limits"], item["data"]
                left = f"{limits['limit'] - limits['downloaded']} of {limits['limit']} left"
                embed.add_field(name=data["filename"], value=f"[{data['filename']}]({data['url']}): {left}")
                view.add_item(discord.ui.Button(label=data["filename"], url=data["url"]))
            await interaction.edit_original_response(embed=embed, view=view)

    async def setup_hook(self) -> None:
        """Sync the command."""
        await self.tree.sync()


async def main() -> None:
    """Run until it is killed."""
    async with aiohttp.ClientSession() as session, ShortestBot(session) as bot:
        await bot.start(os.environ["DISCORD_TOKEN"])


if __name__ == "__main__":
    asyncio.run(main())
