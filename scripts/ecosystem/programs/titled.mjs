/** The page's title becomes what was drawn, or why nothing was. */
export async function titled(draw) {
  try {
    document.title = await draw();
  } catch (error) {
    document.title = `FAILED ${error.message}`;
  }
}
